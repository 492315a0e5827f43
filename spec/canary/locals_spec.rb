# frozen_string_literal: true

require 'tmpdir'

# Sentry and its like collect the local variables of the frame that raises, others those of every frame on the stack.
RSpec.describe 'A secret in a local variable of this gem' do
  planted = 'canary/of+the/specs+sings=in/no/frame0000'

  let(:home) { Dir.mktmpdir('home') }

  after { FileUtils.remove_entry(home) }

  prelude = <<~RUBY
    require 'json'
    require 'socket'
    require 'timeout'
    require 'legion/extensions/identity/aws'
    require 'legion/extensions/identity/aws/legionio/provider'
    require 'legion/extensions/identity/aws/legionio/roles'
    require 'legion/extensions/identity/aws/legionio/settings_files'
    require '#{File.expand_path('locals', __dir__)}'
    AWS = Legion::Extensions::Identity::Aws
    PLANTED = Locals::PLANTED
    WORKER = 'arn:aws:iam::123456789012:role/legion-worker'
    # Prints what it holds, as a Struct or a plain object does.
    Keys = Struct.new(:access_key_id, :secret_access_key, :session_token, :expiration)
    Source = Struct.new(:keys) { def credentials = keys.respond_to?(:call) ? keys.call : keys }
    def failing(...) = Locals.failing(...)
    Locals.watch
  RUBY

  define_method(:leaks) do |code, env: {}|
    environment = local_aws.env_with_keys.merge('HOME' => home, 'CANARY' => planted, 'DATABASE_PASSWORD' => planted, **env)
    result = ruby_process(prelude + code, env: environment, timeout: 50)
    expect(result.stderr).to eq('')
    expect(result.stdout.lines.grep(/nothing was raised/)).to eq([])
    expect(result.stdout.lines.size).to be_positive
    result.stdout.lines.grep(/\ALEAK/)
  end

  it 'is seen by this spec' do
    File.write(File.join(home, 'leaky.rb'), "def leaky(password)\n  raise 'x'\nend\n")
    code = "Locals::LIBRARY.replace('#{home}/')\nload '#{home}/leaky.rb'\nfailing('leaky') { leaky(PLANTED) }"
    expect(leaks(code.sub('Locals::LIBRARY.replace', 'Locals.send(:remove_const, :LIBRARY); Locals::LIBRARY = String.new'))).to include(/leaky.rb:\d+ password/)
  end

  it 'is not there where options are refused' do
    expect(leaks(<<~RUBY)).to eq([])
      failing('role') { AWS::Session.new(role_arn: 'garbage', external_id: PLANTED) }
      failing('unknown') { AWS::Session.new(nonsense: 1, web_identity_token: PLANTED) }
      failing('unknown name') { AWS::Session.new(**{ PLANTED.to_sym => 1 }) }
      failing('range') { AWS::Session.new(resolve_timeout: 1e9, endpoint: "http://u:\#{PLANTED}@h") }
      failing('type') { AWS::Session.new(external_id: Keys.new(PLANTED)) }
      failing('encoding') { AWS::Session.new(external_id: PLANTED + "\\xFF") }
      failing('nested') { AWS::Session.new(tags: { a: { b: PLANTED } }, role_arn: WORKER) }
      failing('logger') { AWS::Session.new(logger: 1, web_identity_token: PLANTED) }
      failing('source') { AWS::Session.new(source: Struct.new(:secret).new(PLANTED)) }
      failing('token_provider') { AWS::Session.new(token_provider: PLANTED) }
      failing('token') { AWS::Session.new(web_identity_token: [PLANTED]) }
      session = AWS::Session.new
      failing('no role') { session.assume_role(role_arn: nil, external_id: PLANTED) }
      failing('garbage') { session.assume_role(role_arn: [{ role_arn: 'garbage', external_id: PLANTED }]) }
      failing('no such option') { session.assume_role(role_arn: WORKER, external_id: PLANTED, nonsense: 1) }
      failing('no token') { session.web_identity_token = PLANTED }
      failing('no String') { session.web_identity_token = [PLANTED] }
      failing('keys') { AWS::Credentials.new('AKIA', PLANTED + "\\xFF") }
      failing('no text') { AWS::Credentials.new('AKIA', 's', [PLANTED]) }
      failing('provider') { AWS::LegionIO::Provider.new(role_arn: 'garbage', external_id: PLANTED).resolve }
      failing('lease') { AWS::LegionIO::Provider.new(role_arn: 'garbage', external_id: PLANTED).provide_token }
      AWS.doctor(role_arn: 'garbage', external_id: PLANTED)
      AWS.doctor(source: Struct.new(:secret).new(PLANTED)) rescue puts('doctor: refused')
    RUBY
  end

  it 'is not there where AWS refuses the keys of ENV, and where the environment cannot be used' do
    env = { 'AWS_ACCESS_KEY_ID' => 'AKIADEMOUSERFAKEAWS2', 'AWS_SECRET_ACCESS_KEY' => planted }
    expect(leaks(<<~RUBY, env: env)).to eq([])
      failing('identity') { AWS::Session.new.identity }
      failing('role') { AWS::Session.new(role_arn: WORKER).credentials }
      failing('resolve') { AWS::Identity.resolve }
      failing('refresh') { AWS::Session.new(role_arn: WORKER).refresh! }
      failing('token') { AWS::Session.new.identity_token(audience: 'vault') }
      failing('tags') { AWS::Session.new.identity_token(audience: 'a', duration_seconds: 1) }
      failing('presigned') { AWS::Session.new.token_for(:rds, host: 'h') }
      ENV['AWS_REGION'] = 'no region'
      failing('region') { AWS::Session.new.credentials }
      ENV['AWS_MAX_ATTEMPTS'] = 'many'
      failing('attempts') { AWS::Session.new }
      failing('profiles') { ENV['AWS_CONFIG_FILE'] = '/'; AWS.profiles.fetch(PLANTED.size) }
    RUBY
  end

  it 'is not there where a source, a token or a code is refused' do
    expect(leaks(<<~RUBY)).to eq([])
      session = ->(source) { AWS::Session.new(source: source, role_arn: WORKER) }
      failing('refused') { session.call(Source.new(Keys.new('AKIADEMOUSERFAKEAWS2', PLANTED))).credentials }
      failing('half') { session.call(Source.new(Keys.new('AKIA', nil, PLANTED))).credentials }
      failing('half, the other') { session.call(Source.new(Keys.new(nil, PLANTED))).credentials }
      failing('no time') { session.call(Source.new(Keys.new('AKIA', PLANTED, nil, Object.new))).credentials }
      failing('no ISO time') { session.call(Source.new(Keys.new('AKIA', PLANTED, nil, 'soon'))).credentials }
      failing('no text') { session.call(Source.new(Keys.new('AKIA', PLANTED + "\\xFF"))).credentials }
      failing('odd account') { session.call(Struct.new(:access_key_id, :secret_access_key, :session_token, :account_id).new('AKIA', PLANTED, nil, 1)).credentials }
      failing('raises') { session.call(Source.new(-> { raise 'no' })).credentials }
      failing('raises, prints') { session.call(Struct.new(:secret) { def credentials = raise('no') }.new(PLANTED)).credentials }
      failing('session below') { AWS::Session.new(source: AWS::Session.new(role_arn: 'arn:aws:iam::123456789012:role/there-is-none'), role_arn: WORKER).credentials }
      web = ->(token) { AWS::Session.new(web_identity_token: token, role_arn: 'arn:aws:iam::123456789012:role/irsa-app') }
      failing('token') { web.call(PLANTED).credentials }
      failing('callable') { web.call(-> { PLANTED }).credentials }
      failing('callable, prints') { web.call(Struct.new(:secret) { def call = raise('no') }.new(PLANTED)).credentials }
      failing('control') { web.call(-> { "\#{PLANTED}\\u0007" }).credentials }
      failing('bytes') { web.call(-> { "\#{PLANTED}\\xFF" }).credentials }
      failing('binary') { web.call(-> { "\#{PLANTED}\\xFF".b }).credentials }
      failing('list') { web.call(-> { [PLANTED] }).credentials }
      mfa = ->(provider) { AWS::Session.new(role_arn: 'arn:aws:iam::123456789012:role/mfa-only', serial_number: 'arn:aws:iam::123456789012:mfa/demo', token_provider: provider) }
      failing('code') { mfa.call(->(_) { PLANTED }).credentials }
      failing('no code') { mfa.call(-> { [PLANTED] }).credentials }
      failing('code, prints') { mfa.call(Struct.new(:secret) { def call(_) = raise('no') }.new(PLANTED)).credentials }
    RUBY
  end

  it 'is not there where a wait is cut off' do
    expect(leaks(<<~RUBY)).to eq([])
      slow = Source.new(-> { sleep 20 })
      other = ->(keys) { Struct.new(:secret, :keys) { def credentials = keys.call }.new(PLANTED, keys) }
      failing('time-out') { Timeout.timeout(0.3) { AWS::Session.new(source: other.call(-> { sleep 20 }), external_id: PLANTED, role_arn: WORKER).credentials } }
      failing('our time-out') { AWS::Session.new(source: other.call(-> { sleep 20 }), process_timeout: 0.3, role_arn: WORKER).credentials }
      failing('token') { Timeout.timeout(0.3) { AWS::Session.new(web_identity_token: -> { sleep 20 }, role_arn: WORKER, external_id: PLANTED).credentials } }
      failing('code') do
        Timeout.timeout(0.5) do
          AWS::Session.new(role_arn: 'arn:aws:iam::123456789012:role/mfa-only', serial_number: 'arn:aws:iam::123456789012:mfa/demo', external_id: PLANTED,
                           token_provider: ->(_) { sleep 20 }).credentials
        end
      end
      listening = TCPServer.new('127.0.0.1', 0)
      endpoint = "http://user:\#{PLANTED}@127.0.0.1:\#{listening.addr[1]}"
      failing('AWS') { Timeout.timeout(0.3) { AWS::Session.new(endpoint: endpoint, role_arn: WORKER).credentials } }
      failing('raise') do
        reader = Thread.new { AWS::Session.new(endpoint: endpoint, external_id: PLANTED, role_arn: WORKER).credentials }
        reader.report_on_exception = false
        sleep 0.3
        reader.raise(Interrupt, 'now')
        reader.join
      end
      AWS.doctor(endpoint: endpoint, external_id: PLANTED, role_arn: WORKER, resolve_timeout: 0.3)
    RUBY
  end

  it 'is not there where LegionIO’s settings cannot be used' do
    FileUtils.mkdir_p(File.join(home, 'settings'))
    File.write(File.join(home, 'settings/list.json'), JSON.generate([planted]))
    File.write(File.join(home, 'settings/broken.json'), "{\"secret\": \"#{planted}\",}")
    File.write(File.join(home, 'settings/good.json'), JSON.generate(identity: { aws: { secret_access_key: planted, nonsense: planted, role_arn: 'garbage' } }))
    expect(leaks(<<~RUBY)).to eq([])
      module Legion::Settings
        ALL = { secret_access_key: PLANTED, access_key_id: 'AKIA', role_arn: 'garbage', roles: { reader: { role_arn: 1, external_id: PLANTED }, list: [PLANTED] } }
        def self.loader = self
        def self.dig(*keys) = { identity: { aws: ALL } }.dig(*keys)
      end
      failing('resolve') { AWS::Identity.resolve }
      failing('lease') { AWS::Identity.provide_token }
      failing('current') { AWS::Identity.current_credentials.credentials }
      failing('session') { AWS::Session.new }
      failing('role') { AWS::LegionIO::Roles.options(:reader) }
      failing('no Hash') { AWS::LegionIO::Roles.options(:list) }
      failing('no role') { AWS::LegionIO::Roles.options(:none) }
      AWS.doctor
      files = AWS::LegionIO::SettingsFiles.new(['#{home}/settings'])
      files.unreadable.each { |path, why| puts "\#{path}: \#{why}" }
      failing('files') { AWS::Session.from_layers(AWS::Internal::Layers.of(AWS::Internal::Secret.new({}), settings: files.identity_aws)) }
    RUBY
  end
end
