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
    require 'legion/extensions/identity/aws/legionio/token_provider'
    require 'legion/extensions/identity/aws/legionio/phase_zero_file'
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

  it 'is seen by this spec, plain and encoded' do
    File.write(File.join(home, 'leaky.rb'), "def leaky(password)\n  raise 'x'\nend\n")
    encoded = ['PLANTED', 'URI.encode_www_form_component(PLANTED)'] + Array.new(3) { |before| "[\"\#{'{' * #{before}}\#{PLANTED}}\"].pack('m0')" }
    leaked = leaks(<<~RUBY)
      require 'uri'
      Locals.send(:remove_const, :LIBRARY)
      Locals::LIBRARY = '#{home}/'
      load '#{home}/leaky.rb'
      #{encoded.map { |text| "failing('leaky') { leaky(#{text}) }" }.join("\n")}
    RUBY
    expect(leaked).to match([/leaky.rb:\d+ password/] * encoded.size)
  end

  it 'is not there where options are refused' do
    expect(leaks(<<~RUBY)).to eq([])
      failing('role') { AWS::Session.new(role_arn: 'garbage', external_id: PLANTED) }
      failing('unknown') { AWS::Session.new(nonsense: 1, web_identity_token: PLANTED) }
      failing('unknown name', quotes: true) { AWS::Session.new(**{ PLANTED.to_sym => 1 }) }
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
      failing('scope') { session.scoped(policy: PLANTED) }
      failing('no scope') { session.scoped(policy: [PLANTED]) }
      failing('word') { session.token_for(:rds, host: 'h', port: 1, user: 'u', password: PLANTED) }
      failing('no word') { session.token_for(:rds, host: 'h', port: 1, user: [PLANTED]) }
      failing('keys') { AWS::Credentials.new('AKIA', PLANTED + "\\xFF") }
      failing('no text') { AWS::Credentials.new('AKIA', 's', [PLANTED]) }
      failing('provider') { AWS::LegionIO::Provider.new(role_arn: 'garbage', external_id: PLANTED).resolve }
      failing('lease') { AWS::LegionIO::Provider.new(role_arn: 'garbage', external_id: PLANTED).provide_token }
      failing('default of the SDK') { AWS.default_for_sdk(Keys.new('AKIA', PLANTED)) }
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
      failing('claims') { AWS::Session.new.identity_token(audience: PLANTED, tags: { secret: PLANTED }) }
      failing('no claims') { AWS::Session.new.identity_token(audience: [PLANTED], tags: [PLANTED]) }
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

  it 'is not there where a code was used before' do
    expect(leaks(<<~RUBY, env: { 'CANARY' => '314159' })).to eq([])
      session = AWS::Session.new(role_arn: 'arn:aws:iam::123456789012:role/mfa-only', serial_number: 'arn:aws:iam::123456789012:mfa/demo',
                                 token_provider: -> { PLANTED })
      failing('wrong') { session.credentials }
      sleep 1.1 # a refusal is raised again for a second
      failing('used') { session.credentials }
    RUBY
  end

  it 'is not there where the terminal is gone after a code was typed' do
    expect(leaks(<<~RUBY, env: { 'CANARY' => '314159' })).to eq([])
      terminal = Class.new do
        def noecho = yield(self)
        def print(_) = nil
        def flush = nil
        def gets = "\#{PLANTED}\n"
        def puts = raise(Errno::EIO)
      end
      IO.define_singleton_method(:console) { terminal.new }
      failing('gone') do
        AWS::Session.new(role_arn: 'arn:aws:iam::123456789012:role/mfa-only', serial_number: 'arn:aws:iam::123456789012:mfa/demo',
                         token_provider: AWS::TerminalTokenProvider.new).credentials
      end
    RUBY
  end

  # A wait under a fiber scheduler takes them to a thread of its own.
  it 'is not there where the application has it in a fiber-local variable' do
    expect(leaks(<<~RUBY)).to eq([])
      Thread.current[:password] = PLANTED
      failing('aside') { AWS::Internal::OwnThread.aside { raise 'no' } }
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
    File.write(File.join(home, 'settings/number.json'), "{\"secret\": \"#{planted}\", \"number\": 1e999}") # cannot be written again
    File.binwrite(File.join(home, 'settings/text.json'), "{\"secret\": \"#{planted}\xFF\"}")
    File.write(File.join(home, 'settings/good.json'),
               JSON.generate(extensions: 'none', identity: { aws: { secret_access_key: planted, nonsense: planted, role_arn: 'garbage' } }))
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
      session = AWS::Session.from_layers(AWS::Internal::Layers.of(AWS::Internal::Secret.new({}), settings: nil))
      refused = { text: PLANTED, scope: { scope_policy: PLANTED }, both: { scope_policy: PLANTED, profile: 'p' },
                  blank: { role_arn: ' ', external_id: PLANTED } }
      refused.each do |name, role|
        Legion::Settings::ALL[:roles] = { name => role }
        failing("role \#{name}", quotes: name == :text) { AWS::LegionIO::Provider.new { AWS::LegionIO::Roles.options(name) { session } }.provide_token }
      end
      sync = Struct.new(:wake).new
      tokens = { list: [PLANTED], kind: { password: PLANTED }, word: { kind: 'rds', password: PLANTED }, none: { kind: 'none', password: PLANTED },
                 reference: { kind: 'rds', password: PLANTED, user: 'vault://x' }, file: { kind: 'rds', password: PLANTED, file: 1 },
                 home: { kind: 'rds', password: PLANTED, file: '~nobody-here/x' }, role: { kind: 'rds', password: PLANTED, role: 'none' },
                 bytes: { kind: 'rds', password: PLANTED, user: "\\xFF" },
                 listed: { kind: [PLANTED] }, tables: { kind: 'msk', role: { password: PLANTED } }, path: { kind: 'msk', file: [PLANTED] } }
      tokens.each do |name, token|
        Legion::Settings::ALL[:tokens] = { name => token }
        provider = AWS::LegionIO::TokenProvider.new(name, sync) { AWS::LegionIO::Provider.new { AWS::Internal::Secret.new({}) } }
        failing("token \#{name}") { provider.provide_token }
      end
      odd = Object.new.tap { |name| name.define_singleton_method(:to_s) { raise 'no' } }
      Legion::Settings::ALL[:tokens] = { odd => PLANTED }
      failing('name of a token') { AWS::LegionIO::Tokens.names }
      Legion::Settings::ALL[:tokens] = { "\\xFF" => PLANTED }
      Legion::Settings::ALL[:roles] = { odd => { external_id: PLANTED } }
      failing('name of a role') { AWS::LegionIO::Roles.names }
      Legion::Settings::ALL[:roles] = { "\\xFF" => { external_id: PLANTED } }
      AWS.doctor
      files = AWS::LegionIO::SettingsFiles.new(['#{home}/settings'])
      files.unreadable.each { |path, why| puts "\#{path}: \#{why}" }
      AWS::LegionIO::PhaseZero.in?(files.settings) # raises where the extensions are no Hash, and rescues that
      %w[broken list number text].each { |name| failing(name) { AWS::LegionIO::PhaseZeroFile.write("#{home}/settings/\#{name}.json") } }
      failing('files') { AWS::Session.from_layers(AWS::Internal::Layers.of(AWS::Internal::Secret.new({}), settings: files.identity_aws)) }
    RUBY
  end

  it 'is not there where Vault quotes the login, gives a token that cannot be used, or refuses to renew one' do
    spec = File.expand_path('..', __dir__)
    expect(leaks(<<~RUBY)).to eq([])
      $LOAD_PATH << '#{spec}'
      require 'support/local_vault'
      require 'unit/legionio/support/small_vault'
      require 'legion/extensions/identity/aws/legionio/vault_sync'
      VAULT = LocalVault.start
      Vault = SmallVault
      module Legion
        Crypt = SmallVault::Crypt.new(crypt: { vault: { clusters: { main: VAULT.cluster } } })
      end
      request = AWS::LegionIO::VaultSetting::Request.new(nil, 'worker', nil, nil, 'aws')
      login = AWS::LegionIO::VaultLogin.new(AWS::LegionIO::VaultCluster.named(nil), request)
      keys = AWS::Credentials.new('AKIA', PLANTED, PLANTED)
      given = ->(token, seconds) { ->(*) { [200, { auth: { client_token: token, lease_duration: seconds } }] } }
      VAULT.trouble = :echo
      failing('quoted') { login.login(keys) }
      VAULT.trouble = given.call([PLANTED], 1)
      failing('no text') { login.login(keys) }
      VAULT.trouble = given.call(PLANTED, 'soon')
      failing('no duration') { login.login(keys) }
      failing('no duration, renewed') { login.renew(AWS::Internal::Secret.new(PLANTED)) }
      VAULT.trouble = ->(*) { [200, PLANTED, 'text/plain'] }
      failing('no JSON') { login.login(keys) }
      VAULT.trouble = ->(path, _) { path == '/elsewhere' ? [403, { errors: ['no'] }] : [307, "http://127.0.0.1:\#{VAULT.port}/elsewhere"] }
      failing('redirected') { login.renew(AWS::Internal::Secret.new(PLANTED)) }
      VAULT.trouble = ->(*) { [403, { errors: [PLANTED] }] }
      failing('refused') { login.renew(AWS::Internal::Secret.new(PLANTED)) }
      failing('not revoked') { login.revoke(AWS::Internal::Secret.new(PLANTED)) }
      VAULT.trouble = :hang
      failing('silent') { login.renew(AWS::Internal::Secret.new(PLANTED)) }
    RUBY
  end

  # What stands on the command line is in the list of processes too, so the secrets are in the settings files.
  it 'is not there where the program reads settings that cannot be used' do
    FileUtils.mkdir_p(File.join(home, 'settings'))
    identity = { external_id: planted, remark: planted, role_arn: 'arn:aws:iam::123456789012:role/there-is-none',
                 roles: { worker: { role_arn: 'arn:aws:iam::123456789012:role/there-is-none', external_id: planted },
                          bad:    { role_arn: 1, external_id: planted },
                          source: { role_arn: 'arn:aws:iam::123456789012:role/r', source: 'none', external_id: planted },
                          scope:  { scope_policy: planted } }, tokens: { database: { kind: 'rds', password: planted } } }
    File.write(File.join(home, 'settings/identity.json'), JSON.generate(identity: { aws: identity }, database: planted))
    FileUtils.mkdir_p(File.join(home, '.aws'))
    File.write(File.join(home, '.aws/config'), "[profile other]\naws_access_key_id = AKIAX\naws_secret_access_key = x\n")
    leaked = leaks(<<~RUBY, env: { 'LEGION_SETTINGS_DIRS' => File.join(home, 'settings') })
      require 'stringio'
      require 'legion/extensions/identity/aws/cli'
      lines = [%w[whoami], %w[whoami --all], %w[whoami --qualifier worker], %w[whoami --qualifier none], %w[doctor], %w[doctor --assume], %w[credentials],
               %w[credentials --format json], %w[token rds], %w[token identity], %w[token identity --audience a], %w[exec -- true], %w[profiles], %w[legionio]]
      lines.each do |words|
        Locals.instance_variable_set(:@call, words.join(' '))
        $stderr = StringIO.new
        out = StringIO.new
        AWS::Cli.run(words, stdin: StringIO.new, stdout: out, stderr: out)
        puts "\#{words.join(' ')}: done", *("LEAK shown by \#{words.first}: \#{out.string}" if out.string.include?(PLANTED))
      ensure
        $stderr = STDERR
      end
      # The same with a secret on the command line, from where it has been read on, and with a terminal.
      role = ['--external-id', PLANTED, '--role-arn', 'arn:aws:iam::123456789012:role/there-is-none']
      endpoint = ['--endpoint', "http://u:\#{PLANTED}@127.0.0.1:9"] # may stand beside --all
      commands = %w[whoami doctor credentials exec] + ['token rds', 'token identity', 'token identity --audience a', 'doctor --assume']
      lines = commands.map { |words| [*words.split, *role] } + ['whoami --all', 'whoami --qualifier worker'].map { |words| [*words.split, *endpoint] }
      [*lines, ['token', 'identity', '--audience', 'a', '--tag', "t=\#{PLANTED}"]].each do |words|
        words << 'true' if words.first == 'exec'
        Locals.instance_variable_set(:@call, words.first(3).join(' '))
        out = StringIO.new
        command = AWS::Cli::Arguments.new(words).command
        terminal = StringIO.new.tap { |stdin| stdin.define_singleton_method(:tty?) { true } }
        command.call(terminal, out, out)
        puts "\#{words.first}: done"
      rescue AWS::Error, ArgumentError => e
        puts "\#{words.first}: \#{e.class}"
      end
    RUBY
    expect(leaked).to eq([])
  end

  # Ruby's own NoMethodError shows its receiver, and a debugger everything.
  it 'is not in the text of an object that keeps one' do
    FileUtils.mkdir_p(File.join(home, 'settings'))
    File.write(File.join(home, 'settings/good.json'), JSON.generate(database: planted))
    expect(leaks(<<~RUBY)).to eq([])
      require 'pp'
      require 'legion/extensions/identity/aws/cli'
      arguments = AWS::Cli::Arguments.new(['whoami', '--role-arn', 'garbage', '--external-id', PLANTED, '--session-tag', "tag=\#{PLANTED}"])
      session = AWS::Session.new(role_arn: WORKER, external_id: PLANTED, source: Source.new(Keys.new('AKIA', PLANTED)))
      kept = [session, AWS::Session.new(web_identity_token: PLANTED, role_arn: WORKER), session.assume_role(role_arn: WORKER, external_id: PLANTED),
              AWS::Credentials.new('AKIA', PLANTED, PLANTED), AWS::LegionIO::SettingsFiles.new(['#{home}/settings']), arguments, arguments.command,
              AWS::LegionIO::Provider.new(external_id: PLANTED), AWS::LegionIO::CurrentSession.new(external_id: PLANTED),
              AWS::Internal::ChildEnvironment.new(AWS::Credentials.new('AKIA', PLANTED, PLANTED)),
              AWS::Internal::Secret.new(PLANTED), AWS::Internal::Secret.new([PLANTED]).part(0),
              AWS::LegionIO::Tokens::Request.new('p', 'k', nil, nil, AWS::Internal::Secret.new({ password: PLANTED }))]
      seen = [*kept]
      seen.each { |object| seen.concat(object.instance_variables.map { |name| object.instance_variable_get(name) } - seen) if object.class.to_s.start_with?('Legion') }
      seen.each { |object| puts "LEAK \#{object.class}" if object.inspect.include?(PLANTED) || object.to_s.include?(PLANTED) || PP.pp(object, +'').include?(PLANTED) }
      failing('command') { arguments.command.call($stdin, $stdout, $stderr) }
      legionio = AWS::Cli::Arguments.new(['legionio']).command
      files = { '#{home}/list.json' => [PLANTED], '#{home}/#{'x' * 250}.json' => { password: PLANTED } } # too long a name for the new file beside it
      files.each do |path, content|
        File.write(path, JSON.generate(content))
        failing(path) { legionio.send(:write, path) }
      end
    RUBY
  end
end
