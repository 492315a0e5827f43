# frozen_string_literal: true

require 'interop/support/sdks'

# In processes of their own, as LegionIO loads the gem: in phase 0, before any extension that brings aws-sdk-core.
RSpec.describe 'identity.aws.sdk_default' do
  prelude = <<~RUBY
    require #{File.expand_path('support/small_legionio.rb', __dir__).inspect}
    require 'json'
    require 'logger'
    require 'stringio'
    ROLE = 'arn:aws:iam::123456789012:role/legion-worker'
    LEGION = SmallLegionIO.new(identity: { aws: { role_arn: ROLE, sdk_default: true } }, client: { ready: true })
    LEGION.install
    LOG = StringIO.new
    module Legion::Logging
      module Helper
        def log = ::Logger.new(LOG)
      end
    end
    def settings=(identity_aws)
      LEGION.settings.all = { identity: { aws: identity_aws }, client: { ready: true } }
    end
    def eventually
      1000.times { (yield && return) || sleep(0.01) }
      raise 'it did not come'
    end
    # As lex-s3, lex-sqs and lex-lambda make theirs.
    def arn(**keys) = Aws::STS::Client.new(region: 'eu-west-1', endpoint: ENV.fetch('AWS_ENDPOINT_URL_STS'), **keys).get_caller_identity.arn
    def say(*facts)
      puts JSON.generate(facts)
      $stdout.flush
      exit!(0)
    end
  RUBY

  define_method(:facts) do |code, env: { 'RUBYLIB' => Sdks.all.last.rubylib }|
    result = with_env(local_aws.env_with_keys) { ruby_process(prelude + code, env: env) }
    result.stdout.empty? ? raise(result.output) : JSON.parse(result.stdout)
  end

  it 'serves the clients of extensions that are loaded later, and keys in a call still win' do
    said = facts(<<~RUBY)
      require 'legion/extensions/identity/aws'
      loaded = defined?(Aws::STS::Client) && true
      require 'aws-sdk-core'
      keys = { access_key_id: ENV.fetch('AWS_ACCESS_KEY_ID'), secret_access_key: ENV.fetch('AWS_SECRET_ACCESS_KEY') }
      say loaded, arn, arn(**keys)
    RUBY
    expect(said).to match([true, %r{assumed-role/legion-worker/}, %r{:user/}])
  end

  it 'follows the settings: the role of a client that is there, and whether a new one is served' do
    said = facts(<<~RUBY)
      self.settings = { role_arn: ROLE }
      require 'legion/extensions/identity/aws'
      identity = Legion::Extensions::Identity::Aws::Identity
      identity.resolve
      early = defined?(::Aws).inspect
      self.settings = { role_arn: ROLE, 'sdk_default' => 'true' }
      identity.resolve
      eventually { defined?(Aws::CredentialProviderChain) && Aws::CredentialProviderChain.ancestors.first.name.include?('Override') }
      on = arn
      self.settings = { role_arn: ROLE.sub('legion-worker', 'team/deployer'), sdk_default: true }
      sleep 1.1 # for so long a reader does not compare the settings
      other = arn
      self.settings = { role_arn: ROLE, sdk_default: true, enabled: false }
      disabled = arn
      self.settings = { role_arn: ROLE, sdk_default: false }
      say early, on, other, disabled, arn
    RUBY
    expect(said).to match(['nil', %r{assumed-role/legion-worker/}, %r{assumed-role/deployer/}, %r{:user/}, %r{:user/}])
  end

  it 'is one warning where aws-sdk-core is missing, and costs nothing else' do
    said = facts(<<~RUBY, env: { 'RUBYLIB' => nil, 'GEM_HOME' => '/nonexistent', 'GEM_PATH' => '/nonexistent' })
      require 'legion/extensions/identity/aws'
      aws = Legion::Extensions::Identity::Aws
      3.times { aws.autobuild }
      name = aws::Identity.resolve[:canonical_name]
      eventually { LEGION.broker.token_for(:aws) }
      sleep 0.2
      finding = aws.doctor.findings.find { |one| one.check == 'sdk' }
      say name, LOG.string.lines.grep(/WARN/).grep(/aws-sdk-core/).size, finding.status, finding.what
    RUBY
    expect(said).to match(['legion-worker', 1, 'warn', /aws-sdk-core cannot be loaded/])
  end
end
