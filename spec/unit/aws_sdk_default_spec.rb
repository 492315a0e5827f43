# frozen_string_literal: true

require 'interop/support/sdks'

# Each example in a process of its own: what is laid over the SDK stays there.
RSpec.describe 'Aws.default_for_sdk' do
  prelude = <<~'RUBY'
    require 'legion/extensions/identity/aws'
    require 'json'
    require 'logger'
    require 'stringio'

    Ours = Legion::Extensions::Identity::Aws
    LOG = StringIO.new
    Ours.logger = Logger.new(LOG)
    KEYS = Ours::Credentials.new(ENV.delete('AWS_ACCESS_KEY_ID'), ENV.delete('AWS_SECRET_ACCESS_KEY'))

    def session(name = 'ours', **options)
      Ours::Session.new(source: KEYS, role_arn: 'arn:aws:iam::123456789012:role/legion-worker', role_session_name: name, **options)
    end

    # As lex-s3, lex-sqs and lex-lambda make theirs: no credentials but keys of the call.
    def client(access_key_id: nil, secret_access_key: nil, **more)
      config = { region: 'eu-west-1', endpoint: ENV.fetch('AWS_ENDPOINT_URL_STS') }
      config[:access_key_id] = access_key_id if access_key_id
      config[:secret_access_key] = secret_access_key if secret_access_key
      Aws::STS::Client.new(**config, **more)
    end

    # Whose key signs; no request.
    def key(client) = client.config.credentials&.credentials&.access_key_id
    def arn(client) = client.get_caller_identity.arn[%r{[^/]+/[^/]+\z}]

    def error
      yield
      'none'
    rescue StandardError => e
      "#{e.class.name.split('::').last}: #{e.message}"
    end

    def say(*facts) = puts(JSON.generate(facts))
  RUBY

  define_method(:facts) do |sdk, code, env: {}|
    with_env(local_aws.env_with_keys.merge(env)) do
      result = ruby_process(prelude + code, env: { 'RUBYLIB' => sdk.rubylib })
      expect(result).to be_success, result.output
      JSON.parse(result.stdout)
    end
  end

  Sdks.all.each do |sdk|
    context "with aws-sdk-core #{sdk.version}" do
      it 'comes after keys, a profile and credentials of the call and Aws.config, and before the SDK’s own chain' do
        said = facts(sdk, <<~RUBY)
          require 'aws-sdk-core'
          require 'tempfile'
          file = Tempfile.create.tap { |one| one.write("[named]\\naws_access_key_id = AKIAPROFILE\\naws_secret_access_key = s\\n") }.tap(&:flush)
          ENV.update('AWS_SHARED_CREDENTIALS_FILE' => file.path, 'AWS_ACCESS_KEY_ID' => 'AKIAENVIRONMENT', 'AWS_SECRET_ACCESS_KEY' => 's')
          before = key(client)
          placed = Ours.default_for_sdk(session)
          ours = [arn(client), key(client) == session.credentials.access_key_id]
          call = [key(client(access_key_id: 'AKIACALL', secret_access_key: 's')), key(client(profile: 'named')),
                  key(client(credentials: Aws::Credentials.new('AKIAGIVEN', 's')))]
          Aws.config[:credentials] = Aws::Credentials.new('AKIACONFIG', 's')
          config = key(client)
          Aws.config.delete(:credentials)
          Ours.default_for_sdk(nil)
          say before, placed, ours, call, config, key(client), Aws::CredentialProviderChain.ancestors.count { |one| one.name.to_s.include?('Override') }
        RUBY
        expect(said).to match(['AKIAENVIRONMENT', true, ['legion-worker/ours', false], %w[AKIACALL AKIAPROFILE AKIAGIVEN], 'AKIACONFIG', 'AKIAENVIRONMENT', 1])
      end

      it 'loads the SDK, keeps one session for all clients, and follows its refreshes' do
        said = facts(sdk, <<~RUBY)
          shared = session
          Ours.default_for_sdk(shared)
          clients = Array.new(5) { client }
          keys = clients.map { |one| key(one) }.uniq
          shared.refresh!
          say keys.size, clients.map { |one| key(one) }.uniq == [shared.credentials.access_key_id], keys == [shared.credentials.access_key_id]
        RUBY
        expect(said).to eq([1, true, false])
        expect(local_aws.requests(service: :sts, action: 'AssumeRole').size).to eq(2)
      end

      it 'goes on to the SDK’s chain only where nothing is configured, and raises every other failure' do
        said = facts(sdk, <<~RUBY)
          ENV['AWS_EC2_METADATA_DISABLED'] = 'true'
          Ours.default_for_sdk(Ours::Session.new)
          nothing = key(client)
          ENV.update('AWS_ACCESS_KEY_ID' => 'AKIALATER', 'AWS_SECRET_ACCESS_KEY' => 's')
          later = key(client)
          refused = Ours::Session.new(source: KEYS, role_arn: 'arn:aws:iam::123456789012:role/forbidden')
          process = Ours::Session.new(credential_process: 'false')
          failed = [refused, process].map { |one| Ours.default_for_sdk(one) && error { client } }
          say nothing, later, failed.map { |text| text[/\\A\\w+/] }
        RUBY
        expect(said).to eq([nil, 'AKIALATER', %w[AccessDeniedError NoCredentialsError]])
      end

      it 'is not asked by a client that a source of its own makes' do
        said = facts(sdk, <<~RUBY)
          require 'aws-sdk-core'
          ENV.update('AWS_ACCESS_KEY_ID' => KEYS.access_key_id, 'AWS_SECRET_ACCESS_KEY' => KEYS.secret_access_key)
          source = Object.new
          def source.credentials
            sts = Aws::STS::Client.new(region: 'eu-west-1', endpoint: ENV.fetch('AWS_ENDPOINT_URL_STS'))
            Aws::AssumeRoleCredentials.new(client: sts, role_arn: 'arn:aws:iam::123456789012:role/legion-worker', role_session_name: 'source').credentials
          end
          Ours.default_for_sdk(Ours::Session.new(source: source))
          own = arn(client)
          threads = Array.new(4) { Thread.new { arn(client) } }.map(&:value).uniq
          Ours.default_for_sdk(Ours::Session.new(source: Ours::Session.new(source: source)))
          say own, threads, arn(client)
        RUBY
        expect(said).to eq(['legion-worker/source', ['legion-worker/source'], 'legion-worker/source'])
      end

      it 'changes nothing where the chain has another shape, and says so in a warning and to the doctor' do
        shapes = ['remove_method :providers', 'def providers = [[:other, {}]]', 'def providers = { env_credentials: {} }',
                  'def providers = [[:env_credentials, {}, 1]]',
                  'def providers = [[:env_credentials]]; def resolve = providers.first', 'def initialize(config, more) = super()']
        shapes.each do |shape|
          said = facts(sdk, <<~RUBY)
            require 'aws-sdk-core'
            Aws::CredentialProviderChain.class_eval { #{shape} }
            placed = 2.times.map { Ours.default_for_sdk(session) }
            finding = Ours.doctor.findings.find { |one| one.check == 'sdk' }
            say placed, Aws::CredentialProviderChain.ancestors.first.name, LOG.string.scan(/another chain of credential providers/).size,
                [finding.status, finding.what.include?(Aws::CORE_GEM_VERSION), finding.remedy]
          RUBY
          expect(said).to match([[false, false], 'Aws::CredentialProviderChain', 1, ['warn', true, match(/credentials: a Session/)]])
        end
      end

      it 'serves clients of Amazon S3, which sign with the role unless the call has keys of its own' do
        skip "aws-sdk-s3 is not beside aws-sdk-core #{sdk.version}" unless sdk.load_path.any? { |path| File.exist?("#{path}/aws-sdk-s3.rb") }
        said = facts(sdk, <<~RUBY)
          require 'aws-sdk-s3'
          ours = session.tap { |one| Ours.default_for_sdk(one) }
          s3 = ->(**more) { Aws::S3::Client.new(region: 'eu-west-1', endpoint: ENV.fetch('AWS_ENDPOINT_URL_STS'), force_path_style: true, **more) }
          error { s3.call.list_objects(bucket: 'cold') }
          error { s3.call(access_key_id: 'AKIACALL', secret_access_key: 's').list_objects(bucket: 'cold') }
          say ours.credentials.access_key_id
        RUBY
        sent = local_aws.requests.select { |request| request[:path] == '/cold/' }.map { |request| request[:headers].fetch('authorization') }
        expect(sent).to match([%r{Credential=#{said.first}/\d+/eu-west-1/s3/aws4_request}, %r{Credential=AKIACALL/}])
      end

      it 'tells the doctor that it is in place' do
        said = facts(sdk, <<~RUBY)
          before = Ours.doctor.findings.map(&:check).include?('sdk')
          Ours.default_for_sdk(session)
          said = -> { Ours.doctor.findings.find { |one| one.check == 'sdk' }.then { |one| [one.status, one.what] } }
          Foreign = Struct.new(:external_id, :credentials) { def set? = true }
          say before, said.call, Ours.default_for_sdk(Foreign.new('canary', KEYS)) && said.call
        RUBY
        start = "clients of aws-sdk-core #{sdk.version} that are given no credentials use those of"
        expect(said).to match([false, ['ok', /\A#{start} #<\S+Session /], ['ok', "#{start} Foreign"]])
      end
    end
  end

  it 'takes sessions only, and says that aws-sdk-core is missing' do
    result = with_env(local_aws.env_with_keys) { ruby_process(<<~RUBY, env: { 'RUBYLIB' => nil, 'GEM_HOME' => '/nonexistent', 'GEM_PATH' => '/nonexistent' }) }
      #{prelude}
      puts error { Ours.default_for_sdk('session') }, error { Ours.default_for_sdk(session) }, error { Ours.default_for_sdk(nil) }
    RUBY
    expect(result.stdout.lines(chomp: true))
      .to match([/\AArgumentError: .* was given String\.\z/, /\AConfigurationError: .*aws-sdk-core cannot be loaded \(.*\)\. Install it/, 'none'])
  end
end
