# frozen_string_literal: true

require 'tmpdir'

# Controls the variables that the gem reads. No example may reach beyond loopback: the entries of BASE are set unless an example
# sets others.
module Environment
  READ_BY_US = /\A(AWS_.*|SSL_CERT_(FILE|DIR)|(HTTP|HTTPS|ALL|NO)_PROXY)\z/i

  BASE = {
    'HOME'                      => Dir.mktmpdir('home'), # not the ~/.aws of the user who runs the specs
    'AWS_EC2_METADATA_DISABLED' => 'true',
    'AWS_ENDPOINT_URL'          => 'http://127.0.0.1:9'  # refuses connections: an unintended request fails at once
  }.freeze
  at_exit_of = Process.pid
  at_exit { FileUtils.remove_entry(BASE['HOME']) if Process.pid == at_exit_of }

  module_function

  # Sets BASE and removes every other variable that the gem reads.
  def clean!
    ENV.delete_if { |name, _| READ_BY_US.match?(name) }
    ENV.update(BASE)
  end

  # For the block, of the variables the gem reads only BASE and the given entries are set; nil removes one.
  #
  #   with_env(local_aws.env.merge('AWS_ACCESS_KEY_ID' => …)) { … }
  def with_env(given)
    before = ENV.to_h
    clean!
    ENV.update(given)
    unless ENV['AWS_EC2_METADATA_DISABLED'] == 'true' || ENV['AWS_EC2_METADATA_SERVICE_ENDPOINT']
      raise ArgumentError, 'IMDS is neither disabled nor pointed at the local AWS: a spec must not leave loopback'
    end

    yield
  ensure
    ENV.replace(before)
  end
end
