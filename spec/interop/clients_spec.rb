# frozen_string_literal: true

require 'support/moto'
require_relative 'support/sdks'

# Clients of real SDKs, an old one and one of today, take what this gem gives for credentials. Each signs in a process of its
# own; the local AWS checks every signature and forgets nothing.
RSpec.describe 'clients of aws-sdk-ruby' do
  worker = 'arn:aws:iam::123456789012:role/legion-worker'

  prelude = <<~'RUBY'
    require 'aws-sdk-core'
    require 'json'
    require 'legion/extensions/identity/aws'

    Ours = Legion::Extensions::Identity::Aws
    WORKER = 'arn:aws:iam::123456789012:role/legion-worker'

    def session = @session ||= Ours::Session.new(role_arn: WORKER, role_session_name: 'by-session')

    def client(credentials, **options)
      Aws::STS::Client.new(credentials: credentials, endpoint: ENV.fetch('AWS_ENDPOINT_URL_STS'), region: 'us-east-1', **options)
    end

    def arn(credentials, **options) = client(credentials, **options).get_caller_identity.arn

    # From now on the local AWS answers so.
    def refuse(action, code, **more)
      rule = { service: 'sts', action: action, answer: { error: { status: 403, code: code, message: 'no more' } }, **more }
      Net::HTTP.post(URI("#{ENV.fetch('AWS_ENDPOINT_URL_STS')}/_control/rules"), JSON.generate(rule)).value
    end

    def error
      yield
      'none'
    rescue StandardError => e
      "#{e.class}: #{e.message}"
    end

    def say(**facts) = puts(JSON.generate(facts))
  RUBY

  # What the code says with `say`, run beside one SDK.
  define_method(:facts) do |sdk, code, env: local_aws.env_with_keys, timeout: 20|
    with_env(env) do
      result = ruby_process(prelude + code, env: { 'RUBYLIB' => sdk.rubylib }, timeout: timeout)
      expect(result).to be_success, result.output
      JSON.parse(result.stdout, symbolize_names: true)
    end
  end

  # The keys that signed, in order, each once.
  def signing_keys = local_aws.requests(service: :sts, action: 'GetCallerIdentity').map { |request| request[:access_key_id] }.uniq

  def short_lives(seconds) = local_aws.rule(service: :sts, action: 'AssumeRole', lifetime_seconds: seconds)

  it 'are tried with an old SDK and with one of today' do
    expect(Sdks.all.map { |sdk| sdk.version[/\A\d+\.\d+/] }).to match(['3.168', satisfy { |version| version.split('.').last.to_i > 250 }])
  end

  Sdks.all.each do |sdk|
    context "with aws-sdk-core #{sdk.version}" do
      it 'sign with a Session, with Credentials, and with the current credentials' do
        local = local_aws.env_with_keys.merge('AWS_ROLE_ARN' => 'arn:aws:iam::123456789012:role/team/deployer', 'AWS_ROLE_SESSION_NAME' => 'current')
        said = facts(sdk, <<~RUBY, env: local)
          say version: Aws::CORE_GEM_VERSION, session: arn(session), fixed: arn(session.credentials), current: arn(Ours::Identity.current_credentials)
        RUBY
        role = 'arn:aws:sts::123456789012:assumed-role'
        expect(said).to eq(version: sdk.version, session: "#{role}/legion-worker/by-session", fixed: "#{role}/legion-worker/by-session",
                           current: "#{role}/deployer/current")
        expect(local_aws.requests.map { |request| request[:status] }.uniq).to eq([200])
      end

      it 'take a Session for all clients at once, and as the base of a provider of their own' do
        said = facts(sdk, <<~RUBY)
          Aws.config = { credentials: session, region: 'us-east-1', sts: { endpoint: ENV.fetch('AWS_ENDPOINT_URL_STS') } }
          theirs = Aws::AssumeRoleCredentials.new(client: Aws::STS::Client.new, role_arn: WORKER.sub('legion-worker', 'from-worker-only'),
                                                  role_session_name: 'theirs')
          say all: Aws::STS::Client.new.get_caller_identity.arn, theirs: arn(theirs)
        RUBY
        expect(said).to eq(all:    'arn:aws:sts::123456789012:assumed-role/legion-worker/by-session',
                           theirs: 'arn:aws:sts::123456789012:assumed-role/from-worker-only/theirs')
      end

      it 'are asked for the base of a Session of ours' do
        said = facts(sdk, <<~RUBY)
          keys = Aws::Credentials.new(ENV.delete('AWS_ACCESS_KEY_ID'), ENV.delete('AWS_SECRET_ACCESS_KEY'))
          theirs = Aws::AssumeRoleCredentials.new(client: client(keys), role_arn: WORKER, role_session_name: 'theirs')
          on_keys = Ours::Session.new(source: keys, role_arn: WORKER, role_session_name: 'on-keys')
          on_theirs = Ours::Session.new(source: theirs, role_arn: WORKER.sub('legion-worker', 'from-worker-only'), role_session_name: 'on-theirs')
          say on_keys: on_keys.identity.arn, on_theirs: arn(on_theirs)
        RUBY
        role = 'arn:aws:sts::123456789012:assumed-role'
        expect(said).to eq(on_keys: "#{role}/legion-worker/on-keys", on_theirs: "#{role}/from-worker-only/on-theirs")
      end

      it 'go on as credentials expire, time after time', timeout: 90 do
        short_lives(2)
        said = facts(sdk, <<~RUBY, env: local_aws.env_with_keys.merge('AWS_ROLE_ARN' => worker))
          clients = [session, Ours::Identity.current_credentials].map { |credentials| client(credentials, retry_limit: 0) }
          stop = Time.now + 5
          calls = 0
          until Time.now > stop
            clients.each(&:get_caller_identity)
            calls += 1
            sleep 0.05
          end
          say calls: calls
        RUBY
        expect(said[:calls]).to be > 10
        # Each of the two saw credentials expire twice at least, and no request was refused.
        expect(signing_keys.size).to be_between(6, 14)
        expect(local_aws.requests.map { |request| request[:status] }.uniq).to eq([200])
      end

      it 'follow a refresh!' do
        facts(sdk, <<~RUBY)
          followed = client(session)
          followed.get_caller_identity
          session.refresh!
          say arn: followed.get_caller_identity.arn
        RUBY
        expect(signing_keys.size).to eq(2)
      end

      it 'have credentials replaced that a service calls expired, and try again' do
        said = facts(sdk, <<~RUBY, env: local_aws.env_with_keys.merge('AWS_ROLE_ARN' => worker))
          providers = [Ours::Session.new(role_arn: WORKER), Ours::Identity.current_credentials]
          results = providers.map do |credentials|
            expired = credentials.credentials.access_key_id
            refuse 'GetCallerIdentity', 'ExpiredToken', access_key_id: expired
            [arn(credentials), expired == credentials.credentials.access_key_id]
          end
          say results: results
        RUBY
        expect(said[:results]).to match([[%r{assumed-role/legion-worker/}, false]] * 2)
        statuses = local_aws.requests(service: :sts, action: 'GetCallerIdentity').map { |request| request[:status] }
        expect(statuses).to eq([403, 200, 403, 200])
      end

      it 'learn why, where refused credentials cannot be replaced' do
        said = facts(sdk, <<~RUBY)
          session.credentials
          refuse 'GetCallerIdentity', 'ExpiredToken'
          refuse 'AssumeRole', 'AccessDenied'
          say error: error { arn(session) }
        RUBY
        expect(said[:error]).to match(/\ALegion::Extensions::Identity::Aws::AccessDeniedError: .*legion-worker.*no more/)
      end

      it 'learn that fixed Credentials have expired: nothing replaces them' do
        said = facts(sdk, <<~RUBY)
          fixed = session.credentials
          refuse 'GetCallerIdentity', 'ExpiredToken'
          say error: error { arn(fixed, retry_limit: 0) }
        RUBY
        expect(said[:error]).to start_with('Aws::STS::Errors::ExpiredToken')
        expect(signing_keys.size).to eq(1)
      end

      it 'learn from us why there are no credentials, or no role' do
        nothing = facts(sdk, 'say error: error { arn(Ours::Session.new) }', env: local_aws.env.merge('AWS_EC2_METADATA_DISABLED' => 'true'))
        expect(nothing[:error]).to start_with('Legion::Extensions::Identity::Aws::NotOnAwsError')

        refused = facts(sdk, "say error: error { arn(Ours::Session.new(role_arn: WORKER.sub('legion-worker', 'forbidden'))) }")
        expect(refused[:error]).to match(/\ALegion::Extensions::Identity::Aws::AccessDeniedError: .*forbidden/)
      end

      it 'sign for moto too', if: File.executable?(File.join(Moto::FOLDER, 'python')) do
        moto = Moto.start
        env = moto.env.merge('AWS_ENDPOINT_URL_STS' => moto.endpoint)
        said = facts(sdk, <<~RUBY, env: env)
          session = Ours::Session.new(role_arn: '#{moto.role}', role_session_name: 'sdk')
          ENV['AWS_ROLE_ARN'] = '#{moto.role}'
          say arns: [session, session.credentials, Ours::Identity.current_credentials].map { |credentials| arn(credentials)[%r{assumed-role/\\w+}] },
              wrong: error { arn(Ours::Credentials.new('#{moto.key}', 'another secret')) }
        RUBY
        expect(said[:arns]).to eq(['assumed-role/worker'] * 3)
        expect(said[:wrong]).to start_with('Aws::STS::Errors::SignatureDoesNotMatch')
      ensure
        moto&.stop
      end
    end
  end
end
