# frozen_string_literal: true

require 'support/environment'
Environment.clean!
require 'support/local_aws'
require 'legion/extensions/identity/aws'
require 'irb'

# The session of bin/console.
module Console
  Aws = Legion::Extensions::Identity::Aws

  class << self
    # The local AWS of this console: see LocalAws in spec/support.
    attr_reader :local_aws

    def start
      @local_aws = LocalAws.start
      ENV.update(local_aws.env_with_keys)
      puts greeting
      IRB.start
    ensure
      @local_aws&.stop
    end

    private

    def greeting
      <<~TEXT
        lex-identity-aws #{Aws::VERSION} with a local AWS at #{local_aws.http}, as its user demo. Try:
          AwsIdentity::Session.new.identity
          AwsIdentity::Identity.resolve
          AwsIdentity::Session.new(role_arn: 'arn:aws:iam::123456789012:role/legion-worker').credentials
          local_aws.requests.map { |request| request[:action] }
      TEXT
    end
  end
end

# As in the README: Aws itself is aws-sdk-ruby's.
AwsIdentity = Console::Aws

def local_aws
  Console.local_aws
end
