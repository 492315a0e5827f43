# frozen_string_literal: true

require 'fileutils'
require 'tmpdir'

# In processes of their own: what is loaded, and when.
RSpec.describe 'What a require loads' do
  preamble = <<~RUBY
    require 'legion/extensions/identity/aws'
    Aws = Legion::Extensions::Identity::Aws
    FOLDER = File.join(#{RubyProcess::LIB.inspect}, 'legion/extensions/identity/')
    def files = $LOADED_FEATURES.filter_map { |path| path.delete_prefix(FOLDER) if path.start_with?(FOLDER) }
    def said
      value = yield
      value.nil? || value == true ? value.inspect : 'done'
    rescue ::Exception => e
      Aws::Error === e ? "\#{e.class.name.split('::').last}: \#{e.message}" : "\#{e.class}: \#{e.message} \#{e.backtrace.first(3)}"
    end
    # In a trap handler, on the main thread.
    def trapped(&block)
      answer = nil
      trap(:USR1) { answer = said(&block) }
      Process.kill(:USR1, Process.pid)
      sleep 0.001 until answer
      answer
    end
  RUBY

  eager = %w[aws.rb aws/caller_identity.rb aws/credentials.rb aws/errors.rb aws/functions.rb aws/internal/fetches.rb
             aws/internal/layers.rb aws/internal/lazy.rb aws/internal/log.rb aws/internal/native.rb
             aws/internal/own_thread.rb aws/internal/printable.rb aws/internal/redacted.rb aws/internal/secret.rb aws/legionio/extension.rb
             aws/session.rb aws/version.rb].freeze

  # As much of LegionIO as the gem looks for.
  legionio = <<~RUBY
    module Legion
      module Identity
        module Resolver
          def self.providers = @providers ||= []
          def self.register(provider) = providers << provider
        end
      end
    end
  RUBY

  # Static keys, which need no network, and a local AWS.
  def env = { **local_aws.env_with_keys, 'AWS_REGION' => 'eu-west-1' }

  define_method(:lines) do |code, before: ''|
    result = ruby_process("#{before}\n#{preamble}#{code}", env: env)
    raise result.output unless result.success? && result.stderr.empty?

    result.stdout.lines(chomp: true)
  end

  it 'is what a Session needs' do
    loaded = lines(<<~RUBY)
      before = files
      Aws::Session.new.tap { |session| session.identity && session.credentials }
      Aws.identity_provider? && Aws.remote_invocable? && Aws.respond_to?(:autobuild) && Aws::Identity.respond_to?(:trust_level)
      puts before.grep(/\\.rb\\z/).sort.join(' '), (files - before).inspect, defined?(Timeout).inspect
    RUBY
    expect(loaded).to eq([eager.join(' '), '[]', 'nil'])
  end

  it 'is for Identity.resolve six files more' do
    loaded = lines("before = files\nAws::Identity.resolve\nputs (files - before).sort.join(' ')")
    expect(loaded.first.split).to eq(%w[aws/internal/monotonic.rb aws/legionio/current_session.rb aws/legionio/identity.rb aws/legionio/provider.rb
                                        aws/legionio/registration.rb aws/legionio/runtime.rb])
  end

  # For a setting that is not there, the program and the doctor.
  later = %w[internal/similar internal/whole_file legionio/installed legionio/phase_zero_file legionio/settings_files
             legionio/token_file legionio/token_lease legionio/token_provider legionio/tokens legionio/vault_call legionio/vault_cluster
             legionio/vault_login legionio/vault_setting legionio/vault_sync legionio/vault_token].map { |name| "aws/#{name}.rb" }

  it 'is everything of LegionIO where that is there, and what a background job needs, but nothing for settings that are not there' do
    loaded, registered = lines("puts files.join(' '), Legion::Identity::Resolver.providers.map(&:provider_name).inspect", before: legionio)
    expected = Dir[File.join(RubyProcess::LIB, 'legion/extensions/identity/aws/legionio/*.rb')].map { |path| "aws/legionio/#{File.basename(path)}" }
    expect(loaded.split).to include(*expected - later, 'aws/internal/listeners.rb', 'aws/change_event.rb')
    expect(loaded.split & later).to eq([])
    expect(registered).to eq('[:aws, :aws_profile]')
  end

  it 'leaves every public constant within reach' do
    names = %i[ChangeEvent Doctor Identity Lease ProfileSummary Subscription TerminalTokenProvider]
    code = "puts #{names.inspect}.map { |name| [Aws.const_defined?(name), Aws.const_get(name).name.split('::').last == name.to_s] }.uniq.inspect"
    expect(lines(code)).to eq(['[[true, true]]'])
  end

  it 'leaves the rest to the first use, whatever has become of the load path and the working directory' do
    expect(lines(<<~RUBY)).to eq(['done'] * 10)
      Dir.chdir('/')
      $LOAD_PATH.delete(#{RubyProcess::LIB.inspect})
      $LOAD_PATH.freeze
      source = Aws::Session.new
      [-> { Aws::Lease }, -> { Aws::Identity.provide_token }, -> { Aws::Identity.session }, -> { Aws::Identity.current_credentials.access_key_id },
       -> { Aws::Identity.providers }, -> { source.on_change {} }, -> { Aws.profiles }, -> { Aws::Doctor },
       -> { Aws::Session.new(source: source).credentials }, -> { Aws::TerminalTokenProvider.new }].each { |use| puts said(&use) }
    RUBY
  end

  it 'has the background job load the part for identity.aws.tokens once they are there, whatever has become of the load path' do
    legion = File.join(__dir__, 'legionio/support/small_legionio.rb')
    expect(lines(<<~RUBY, before: "require #{legion.inspect}\n(LEGION = SmallLegionIO.new(client: { ready: true })).install")).to eq(%w[false true true])
      Dir.chdir('/')
      $LOAD_PATH.delete(#{RubyProcess::LIB.inspect})
      $LOAD_PATH.freeze
      Aws::Identity.resolve
      puts !LEGION.broker.token_for(:aws).nil? && files.include?('aws/legionio/tokens.rb')
      LEGION.settings.all = { identity: { aws: { tokens: { cluster: { kind: 'eks', cluster: 'here' } } } }, client: { ready: true } }
      Aws::Identity.provide_token
      400.times { LEGION.broker.token_for(:aws, qualifier: :cluster) ? break : sleep(0.05) }
      puts LEGION.broker.token_for(:aws, qualifier: :cluster).to_s.start_with?('k8s-aws-v1.'), files.include?('aws/legionio/tokens.rb')
      $stdout.flush
      exit!(0)
    RUBY
  end

  it 'has an Identity that answers as the loaded one does, and has no other methods' do
    unloaded, loaded, same, name = lines(<<~RUBY)
      methods = Aws::Identity.methods - Module.instance_methods
      identity = Aws::Identity
      name = identity.normalize('A b')
      puts methods.sort.inspect, identity.singleton_methods(false).sort.inspect, identity.equal?(Aws::Identity), name
    RUBY
    expect(unloaded).to eq(loaded)
    expect([same, name]).to eq(%w[true a_b])
  end

  # Each in a process of its own, so that it is the first use.
  uses = {
    'Identity.resolve'       => 'Aws::Identity.resolve',
    'Identity.provide_token' => 'Aws::Identity.provide_token.valid?',
    'Identity.session'       => 'Aws::Identity.session',
    'its refreshing ones'    => 'Aws::Identity.current_credentials.access_key_id',
    'Session#on_change'      => 'SESSION.on_change {}.active?',
    'a callable token'       => "Aws::Session.new(web_identity_token: -> { 'x' }, role_arn: 'arn:aws:iam::123456789012:role/legion-worker')",
    'Session#assume_role'    => "SESSION.assume_role(role_arn: 'arn:aws:iam::123456789012:role/legion-worker').credentials",
    'Aws.profiles'           => 'Aws.profiles',
    'Aws.doctor'             => 'Aws.doctor.findings.size.positive?',
    'Aws.settings'           => 'Aws.settings',
    'Aws.autobuild'          => 'Aws.autobuild.nil?'
  }.freeze

  it 'lets many threads be the first together' do
    lines = lines(<<~RUBY)
      SESSION = Aws::Session.new
      { #{uses.map { |name, code| "#{name.inspect} => -> { #{code} }" }.join(', ')} }.each do |name, use|
        gate = Queue.new
        threads = Array.new(8) { Thread.new { gate.pop; said(&use) } }
        threads.size.times { gate << true }
        puts [name, *threads.map(&:value).uniq].inspect
      end
    RUBY
    expect(lines).to match(uses.keys.map { |name| match(/\A\["#{Regexp.escape(name)}", "(done|true)"\]\z/) })
  end

  it 'shows no thread a constant that is not complete' do
    expect(lines(<<~RUBY)).to eq(['[true]'])
      session = Aws::Session.new
      gate = Queue.new
      names = { ChangeEvent: :number, Subscription: :inspect, Lease: :credentials, ProfileSummary: :could_work?, TerminalTokenProvider: :call }
      seen = names.map { |name, last| Thread.new { gate.pop; Aws.const_get(name).method_defined?(last) } }
      used = [-> { session.on_change {} }, -> { Aws::Identity.resolve }, -> { Aws.profiles }].map { |use| Thread.new { gate.pop; !use.call.nil? } }
      (seen.size + used.size).times { gate << true }
      puts [*seen, *used].map(&:value).uniq.inspect
    RUBY
  end

  it 'starts one thread where several threads add the first listener at once' do
    expect(lines(<<~RUBY)).to eq(%w[8 1])
      session = Aws::Session.new
      gate = Queue.new
      threads = Array.new(8) { Thread.new { gate.pop; session.on_change {} } }
      threads.size.times { gate << true }
      puts threads.map(&:value).count(&:active?), Thread.list.count { |thread| thread.name == 'lex-identity-aws' }
    RUBY
  end

  it 'can go on in a forked child' do
    expect(lines(<<~RUBY)).to eq(uses.keys.map { |name| "#{name} 0" })
      SESSION = Aws::Session.new
      { #{uses.map { |name, code| "#{name.inspect} => -> { #{code} }" }.join(', ')} }.each do |name, use|
        pid = fork { exit!(%w[done true].include?(answer = said(&use)) ? 0 : (warn(answer); 1)) }
        puts "\#{name} \#{Process.wait2(pid).last.exitstatus}"
      end
    RUBY
  end

  describe 'in a trap handler' do
    it 'is enough for a new Session, its credentials, its identity and what it says of itself' do
      expect(lines(<<~RUBY).uniq).to eq(['done'])
        puts trapped { Aws::Session.new.credentials.access_key_id }, trapped { Aws::Session.new.identity.arn }
        SESSION = Aws::Session.new
        %i[credentials identity expiration expired? set? metrics refresh! prefetch needs_refresh? forget_identity attempts settings warnings counters
           inspect].each { |name| puts trapped { SESSION.public_send(name); :done } }
        puts trapped { SESSION.invalidate('x'); :done }, trapped { SESSION.credentials(fetch: false); :done }
      RUBY
    end

    uses.except('Aws.autobuild').each do |name, code|
      it "makes the first use of #{name} an Error that says what to do, and the next one outside works" do
        refused, used = lines("SESSION = Aws::Session.new\nputs trapped { #{code} }, said { #{code} }")
        expect(refused).to match(/\AError: .*trap context.*outside of trap handlers\.\z/)
        expect(used).to match(/\A(done|true)\z/)
      end
    end

    # Identity.resolve loads less than they take.
    it 'makes the first lease and the first session or refreshing credentials such an Error after a resolve, too' do
      uses = %w[provide_token session current_credentials.access_key_id].map { |use| "Aws::Identity.#{use}" }
      refused, used = lines(<<~RUBY).partition { |line| line.start_with?('Error: ') }
        Aws::Identity.resolve
        puts #{uses.map { |use| "trapped { #{use} }, said { #{use} }, trapped { #{use} }" }.join(', ')}
        puts trapped { Aws::Identity.resolve }, trapped { Aws::Identity.refresh }
      RUBY
      expect([refused.size, refused.uniq, used]).to match([2, all(match(/trap context.*outside of trap handlers\.\z/)), [*['done'] * 8, 'nil']])
    end

    it 'makes what takes a library of Ruby’s an Error until that is loaded' do
      code = <<~RUBY
        provider = Aws::TerminalTokenProvider.new
        report = Aws.doctor
        puts trapped { report.to_json }, trapped { provider.call('serial') }
        require 'json'
        puts trapped { report.to_json }
      RUBY
      expect(lines(code)).to match([/\AError: .*trap handlers/, /\AError: .*trap handlers/, 'done'])
    end

    it 'lets autobuild do nothing where LegionIO is absent' do
      expect(lines('puts trapped { Aws.autobuild }')).to eq(['nil'])
    end

    it 'does not show it a file that the interrupted thread is loading' do
      Dir.mktmpdir do |folder|
        FileUtils.cp_r(File.join(RubyProcess::LIB, '.'), folder)
        listeners = File.join(folder, 'legion/extensions/identity/aws/internal/listeners.rb')
        File.write(listeners, File.read(listeners).sub('            # @param native', "            trapped_now\n            # @param native"))
        code = preamble.sub("require 'legion", "$LOAD_PATH.unshift(#{folder.inspect})\nrequire 'legion")
        result = ruby_process(<<~RUBY, env: env)
          #{code}
          def trapped_now = puts(trapped { $session.on_change {} })
          $session = Aws::Session.new
          puts $session.on_change {}.active?
        RUBY
        expect(result.stdout).to match(/\AError: .*trap handlers\.\ntrue\n\z/), result.output
      end
    end

    it 'has all of Identity in LegionIO' do
      settled = %w[done true done nil nil done done done]
      expect(lines(<<~RUBY, before: legionio)).to match([/\AError: A session for the settings in force cannot be made/, *settled])
        puts trapped { Aws::Identity.resolve }
        Aws::Identity.resolve
        puts trapped { Aws::Identity.resolve }, trapped { Aws::Identity.provide_token.valid? }
        puts trapped { Aws::Identity.current_credentials.access_key_id }, trapped { Aws::Identity.refresh }, trapped { Aws.autobuild }
        puts trapped { Aws::Identity.session }, trapped { Aws::Identity.resolve_qualifier(:x) }, trapped { Aws::Identity.providers }
      RUBY
    end
  end
end
