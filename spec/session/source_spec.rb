# frozen_string_literal: true

require 'session/support/mfa_users'
require 'tmpdir'

begin
  require 'aws-sdk-core'
rescue LoadError
  # the example below is reported as pending
end

RSpec.describe 'A session on top of another provider', :mfa_users do
  aws = Legion::Extensions::Identity::Aws

  around { |example| with_env(local_aws.env) { example.run } }

  # The keys of the demo user.
  def keys = local_aws.world.fetch('users').fetch(MfaUsers::DEMO).values_at('access_key_id', 'secret_access_key')

  def base = with_env(local_aws.env_with_keys) { MfaUsers::Aws::Session.new }

  def on_top_of(source, **options) = MfaUsers::Aws::Session.new(source: source, role_arn: MfaUsers::WORKER, **options)

  # The interface of a credential provider of aws-sdk-ruby.
  let(:provider_class) do
    Class.new do
      attr_accessor :failing
      attr_reader :threads, :expiration

      def initialize(credentials, expiration = nil)
        @credentials = credentials
        @expiration = expiration
        @threads = []
      end

      def credentials
        @threads << Thread.current
        failing&.call
        @credentials
      end
    end
  end

  let(:sdk_credentials) { Struct.new(:access_key_id, :secret_access_key, :session_token) }

  it 'accepts a Session' do
    session = on_top_of(base)
    expect(session.identity.role).to eq('legion-worker')
    expect(session.credentials.source).to start_with('source > assume role')
  end

  it 'has a Session that is its source read its file again where AWS refused the key, without a word from the caller' do
    Dir.mktmpdir do |folder|
      path = "#{folder}/credentials"
      write = ->(id, secret) { File.write(path, "[default]\naws_access_key_id = #{id}\naws_secret_access_key = #{secret}\n") }
      write.call('AKIATYPOTYPOTYPO1234', 's')
      source = with_env(local_aws.env.merge('AWS_SHARED_CREDENTIALS_FILE' => path)) { aws::Session.new }
      session = on_top_of(source)
      expect { session.credentials }.to raise_error(aws::AccessDeniedError, /InvalidClientTokenId/)
      write.call(*keys)
      expect(session.identity.role).to eq('legion-worker')
      expect(source.credentials.access_key_id).to eq(keys.first)
    end
  end

  it 'accepts a Credentials' do
    expect(on_top_of(aws::Credentials.new(*keys)).identity.role).to eq('legion-worker')
  end

  it 'accepts credentials and a provider of aws-sdk-ruby, read on a thread of its own before each request' do
    provider = provider_class.new(sdk_credentials.new(*keys))
    session = on_top_of(provider)
    expect(session.identity.role).to eq('legion-worker')
    session.refresh!
    expect(provider.threads.uniq.size).to eq(2)
    expect(provider.threads).not_to include(Thread.current)
    expect(on_top_of(sdk_credentials.new(*keys)).identity.role).to eq('legion-worker')
  end

  it 'accepts the real providers of aws-sdk-ruby, which refresh themselves' do
    skip 'aws-sdk-core is not installed here' unless defined?(Aws::STS::Client)

    given = Aws::Credentials.new(*keys)
    expect(on_top_of(given).identity.role).to eq('legion-worker')
    client = Aws::STS::Client.new(region: 'us-east-1', endpoint: local_aws.http, credentials: given)
    provider = Aws::AssumeRoleCredentials.new(client: client, role_arn: MfaUsers::WORKER, role_session_name: 'sdk')
    session = on_top_of(provider, role_arn: 'arn:aws:iam::123456789012:role/from-worker-only')
    expect(session.identity.role).to eq('from-worker-only')
    below = aws::Session.new(source: provider)
    expect(below.credentials.expiration).to eq(provider.expiration)
    expect(below.identity.session_name).to eq('sdk')
  end

  it 'uses the session token of its source, and without a role returns the credentials themselves with their expiration' do
    temporary = local_aws.issue('arn:aws:iam::123456789012:role/legion-worker', session_name: 'given')
    given = sdk_credentials.new(*temporary.values_at(:access_key_id, :secret_access_key, :session_token))
    expiration = Time.at(Time.now.to_i + 1800)
    session = aws::Session.new(source: provider_class.new(given, expiration))
    expect(session.identity).to have_attributes(role: 'legion-worker', session_name: 'given')
    expect(session.credentials.expiration).to eq(expiration)
  end

  {
    'a DateTime'             => lambda(&:to_datetime),
    'text'                   => ->(time) { time.getutc.strftime('%FT%TZ') },
    'text with an offset'    => ->(time) { time.getlocal('+05:30').strftime('%F %T%:z') },
    'an Integer'             => lambda(&:to_i),
    'a Float'                => lambda(&:to_f),
    'a Time of another zone' => ->(time) { time.getlocal('-08:00') }
  }.each do |what, form|
    it "takes an expiration that is #{what}" do
      require 'date'
      expiration = Time.at(Time.now.to_i + 1800)
      session = aws::Session.new(source: provider_class.new(sdk_credentials.new(*keys), form.call(expiration)))
      expect(session.credentials.expiration).to eq(expiration)
    end
  end

  it 'refuses an expiration that is no time, which it must not take for none' do
    ['soon', '', '2026', 'NaN', Float::NAN, Float::INFINITY, Object.new, :never, []].each do |given|
      session = aws::Session.new(source: provider_class.new(sdk_credentials.new(*keys), given))
      expect { session.credentials }.to raise_error(aws::NoCredentialsError, /gave an expiration that is no time, of class #{given.class}/)
    end
  end

  it 'reads its source in the background in the advisory window' do
    lifetime(6)
    latch = Queue.new
    latch << :open
    provider = provider_class.new(sdk_credentials.new(*keys))
    provider.failing = -> { latch.pop }
    session = on_top_of(provider)
    first = session.credentials
    sleep [first.expiration - 2.5 - Time.now, 0].max
    results, seconds = took { Array.new(50) { session.credentials } }
    expect(results).to all(equal(first))
    expect(seconds).to be < 1 # the source does not return before the latch opens
    latch << :open
    eventually { session.credentials != first }
    expect(provider.threads.size).to eq(2)
  end

  it 'raises for a malformed source, and shows no secret' do
    fine = sdk_credentials.new(*keys)
    {
      provider_class.new(nil)                                                                   => /source .* has no access_key_id just now/,
      provider_class.new(sdk_credentials.new('AKIA', ''))                                       => /source .* has no secret_access_key just now/,
      provider_class.new(fine).tap { |broken| broken.failing = -> { raise IOError, 'canary' } } => /source raised IOError/,
      aws::Credentials.new(nil, nil)                                                            => /has no access_key_id/
    }.each do |source, message|
      expect { on_top_of(source).credentials }.to raise_error(aws::NoCredentialsError, message) { |error|
        expect(error.message).not_to include('canary')
      }
    end
  end

  it 'interrupts its source after process_timeout' do
    provider = provider_class.new(nil)
    provider.failing = -> { sleep }
    result, seconds = took { on_top_of(provider, process_timeout: 0.2).credentials }
    expect(result).to be_a(aws::TimeoutError).and have_attributes(message: /source gave no answer within 0.2 s \(process_timeout\)/)
    expect(seconds).to be < 1
  end

  it 'raises the error of a source that is a Session' do
    broken = with_env(local_aws.env_with_keys.merge('AWS_SECRET_ACCESS_KEY' => nil)) { aws::Session.new }
    expect { on_top_of(broken).credentials }.to raise_error(aws::ConfigurationError, /AWS_SECRET_ACCESS_KEY/)
  end

  it 'serves the held credentials while its source fails, and recovers' do
    lifetime(3)
    provider = provider_class.new(sdk_credentials.new(*keys))
    session = on_top_of(provider)
    first = session.credentials
    provider.failing = -> { raise IOError }
    sleep 3
    eventually { session.credentials.degraded }
    expect(session.credentials).to have_attributes(access_key_id: first.access_key_id, degraded: /source raised IOError/, expired?: true)
    provider.failing = nil
    eventually { session.credentials != first }
    expect(session.credentials).to have_attributes(degraded: nil, expired?: false)
  end

  it 'refuses an object that is no source, and a second base' do
    expect { on_top_of('AKIA') }.to raise_error(ArgumentError, /source is of class String; it takes a Session, a Credentials or/)
    expect { on_top_of(base, web_identity_token: 'eyJ-token') }.to raise_error(aws::ConfigurationError, /Both source and web_identity_token\w* are given/)
    expect { on_top_of(base, web_identity_token_file: '/token') }.to raise_error(aws::ConfigurationError, /Both source and web_identity_token\w* are given/)
  end

  describe '#assume_role' do
    it 'takes region and endpoint of the profile that the base is from, also two roles up' do
      Dir.mktmpdir do |folder|
        File.write("#{folder}/config", "[profile p]\nregion = eu-south-2\nendpoint_url = #{local_aws.http}\naws_access_key_id = #{keys[0]}\n" \
                                       "aws_secret_access_key = #{keys[1]}\n")
        with_env(local_aws.env.except('AWS_ENDPOINT_URL', 'AWS_REGION').merge('AWS_CONFIG_FILE' => "#{folder}/config")) do
          base = aws::Session.new(profile: 'p')
          on_top = base.assume_role(role_arn: MfaUsers::WORKER)
          expect([on_top, on_top.assume_role(role_arn: MfaUsers::WORKER)].map { |session| session.identity.region }).to all(eq('eu-south-2'))
          expect { base.assume_role(role_arn: MfaUsers::WORKER, profile: 'p') }.to raise_error(aws::ConfigurationError, /Both source and profile/)
        end
      end
    end

    it 'gives a session on top, at the same endpoint and region' do
      session = with_env(local_aws.env_with_keys.merge('AWS_ENDPOINT_URL_STS' => nil)) do
        aws::Session.new(endpoint: local_aws.http, region: 'eu-west-1').assume_role(role_arn: MfaUsers::WORKER, role_session_name: 'on-top')
      end
      expect(session.identity).to have_attributes(role: 'legion-worker', session_name: 'on-top', region: 'eu-west-1')
      expect(session.settings[:region]).to eq(value: 'eu-west-1', origin: 'option')
    end

    it 'can be repeated' do
      session = base.assume_role(role_arn: MfaUsers::WORKER).assume_role(role_arn: 'arn:aws:iam::123456789012:role/from-worker-only')
      expect(session.identity.role).to eq('from-worker-only')
    end

    it 'needs a role, and refuses another source' do
      expect { base.assume_role }.to raise_error(ArgumentError, /role_arn/)
      expect { base.assume_role(role_arn: nil).identity }.to raise_error(ArgumentError, /role_arn/)
    end

    it 'explains the refusal of a chain with a session_duration above one hour' do
      chained = base.assume_role(role_arn: MfaUsers::WORKER).assume_role(role_arn: MfaUsers::WORKER, session_duration: 7200)
      expect { chained.credentials }.to raise_error(aws::Error, /3600|1 hour|hour/)
    end
  end

  describe 'whose source is a session with a token_provider' do
    def mfa_base(provider) = with_env(local_aws.env_with_keys) { mfa_session(provider) }

    it 'prompts on the reading thread' do
      provider = MfaUsers::CodeProvider.new
      expect(mfa_base(provider).assume_role(role_arn: MfaUsers::WORKER).identity.role).to eq('legion-worker')
      expect(provider.questions.pop.thread).to equal(Thread.current)
    end

    it 'does not prompt in the background' do
      provider = MfaUsers::CodeProvider.new
      below = mfa_base(provider)
      session = below.assume_role(role_arn: MfaUsers::WORKER)
      lifetime(6)
      first = session.credentials
      sleep [first.expiration - 2.5 - Time.now, 0].max
      below.invalidate(below.credentials(fetch: false).access_key_id)
      expect(session.credentials).to equal(first)
      eventually { session.credentials.degraded }
      expect(session.credentials.degraded).to include('there is no MFA prompt in the background')
      expect(provider.asked).to eq(1)
    end
  end
end
