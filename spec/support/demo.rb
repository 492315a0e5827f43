# frozen_string_literal: true

require 'support/environment'
Environment.clean!
require 'support/local_aws'
require 'legion/extensions/identity/aws'
require 'tmpdir'

# The demo of bin/demo: a Ruby process gets its identity from every source, and an error where there is none.
class Demo
  Aws = Legion::Extensions::Identity::Aws

  WORKER = 'arn:aws:iam::123456789012:role/legion-worker'
  IRSA   = 'arn:aws:iam::123456789012:role/irsa-app'
  # The service account's token in the standard world of the local AWS.
  TOKEN  = 'eyJhbGciOiJSUzI1NiJ9.bG9jYWwtYXdzLXdlYi1pZGVudGl0eQ.c2lnbmVkLWJ5LW5vYm9keQ'

  # Plain text where the output is not a terminal.
  STYLES = $stdout.tty? ? { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 }.freeze : {}.freeze

  def self.run
    Dir.mktmpdir { |folder| new(folder).run }
  end

  def initialize(folder)
    @folder = folder
    @aws = LocalAws.start
  end

  def run
    puts "lex-identity-aws #{Aws::VERSION} on Ruby #{RUBY_VERSION}, with a local AWS at #{@aws.http} that checks every signature\n\n"
    from_every_source
    away_from_aws
  ensure
    @aws.stop
  end

  private

  def from_every_source
    keys = @aws.env_with_keys
    show 'keys in the environment', keys
    show 'a profile of the shared config files', @aws.env.merge(shared_config(keys)), profile: 'demo'
    show 'a role on top (role_arn)', keys, role_arn: WORKER
    show 'a web identity token file (EKS IRSA)', @aws.env.merge('AWS_ROLE_ARN' => IRSA, 'AWS_WEB_IDENTITY_TOKEN_FILE' => file('token', TOKEN))
    show 'the container endpoint (ECS)', @aws.env_with_container
    show 'the instance metadata service (EC2, IMDSv2)', @aws.env
  end

  def away_from_aws
    puts style(:bold, 'A machine that is not on AWS')
    [['IMDS refuses', { 'AWS_EC2_METADATA_DISABLED' => nil, 'AWS_EC2_METADATA_SERVICE_ENDPOINT' => 'http://127.0.0.1:9' }],
     ['IMDS is disabled', { 'AWS_EC2_METADATA_DISABLED' => 'true' }],
     ['asked again', { 'AWS_EC2_METADATA_DISABLED' => 'true' }]].each do |name, environment|
      Environment.with_env(environment) do
        answer, milliseconds = timed { Aws::Identity.resolve }
        line name, "resolve gives #{answer.inspect}", milliseconds
      end
    end
    Environment.with_env('AWS_EC2_METADATA_DISABLED' => 'true') { line('why', reason { Aws::Session.new.identity }) }
  end

  def show(title, environment, **options)
    puts style(:bold, "From #{title}")
    Environment.with_env(environment) do
      session = Aws::Session.new(**options)
      identity, milliseconds = timed { session.identity }
      facts(session, identity, milliseconds)
    end
  rescue Aws::Error => e
    line 'failed', style(:red, e.message)
    raise
  ensure
    puts
  end

  def facts(session, identity, milliseconds)
    credentials = session.credentials
    lease = Aws::Lease.of(credentials)
    line 'source', credentials.source
    line 'ARN', identity.arn
    line 'canonical name', style(:green, identity.canonical_name), milliseconds
    line 'lease', "token #{lease.token}, #{lease.metadata}"
    line 'expires', credentials.expiration || 'never (long-lived keys)'
  end

  def shared_config(keys)
    config = file('config', "[profile demo]\nregion = eu-west-1\n")
    credentials = file('credentials', <<~TEXT)
      [demo]
      aws_access_key_id = #{keys['AWS_ACCESS_KEY_ID']}
      aws_secret_access_key = #{keys['AWS_SECRET_ACCESS_KEY']}
    TEXT
    { 'AWS_CONFIG_FILE' => config, 'AWS_SHARED_CREDENTIALS_FILE' => credentials }
  end

  def file(name, content)
    File.join(@folder, name).tap { |path| File.write(path, content, perm: 0o600) }
  end

  def timed
    started = Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_millisecond)
    [yield, Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_millisecond) - started]
  end

  def reason
    yield
  rescue Aws::Error => e
    e.message
  end

  def line(name, text, milliseconds = nil)
    took = milliseconds && style(:yellow, format('  %.1f ms', milliseconds))
    puts "  #{style(:dim, name.ljust(16))} #{text}#{took}"
  end

  def style(name, text)
    code = STYLES[name]
    code ? "\e[#{code}m#{text}\e[0m" : text.to_s
  end
end
