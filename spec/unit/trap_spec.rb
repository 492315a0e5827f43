# frozen_string_literal: true

# Ruby takes no lock and loads nothing in a trap handler. There every public method works or raises an Error of ours that says so, and
# whatever was refused works afterwards.
RSpec.describe 'In a trap handler' do
  preamble = <<~'RUBY'
    require 'legion/extensions/identity/aws'
    Aws = Legion::Extensions::Identity::Aws
    TOKEN = ARGV.first
    # In a trap handler, on the main thread.
    def trapped
      answer = nil
      trap(:USR1) do
        answer = begin
          [yield]
        rescue ::Exception => e
          e
        end
      end
      Process.kill(:USR1, Process.pid)
      sleep 0.001 until answer
      answer
    end
    # 'works', 'refused', or what went wrong.
    def judged
      inside = trapped { yield }
      outside = begin
        [yield]
      rescue ::Exception => e
        e
      end
      return "then #{outside.class}: #{outside.message}" unless outside.is_a?(Array)
      return 'works' if inside.is_a?(Array)

      inside.is_a?(Aws::Error) && inside.message.match?(/outside of (trap|signal) handlers/) ? 'refused' : "#{inside.class}: #{inside.message}"
    end
    worker = { role_arn: 'arn:aws:iam::123456789012:role/legion-worker' }
    irsa = { role_arn: 'arn:aws:iam::123456789012:role/irsa-app' }
    ARGUMENTS = {
      invalidate: ['x'], :web_identity_token= => [TOKEN], assume_role: [worker], call: ['serial'], tell: [nil], credentials: [],
      identity_token: [{ audience: 'api' }], identity_token_of: [Aws::Internal::Secret.new({ audience: 'api' })], token_for: [:eks, { cluster: 'prod' }],
      default_for_sdk: [nil], scoped: [{ policy: { Version: '2012-10-17', Statement: [] } }],
      normalize: ['A b'], resolve_qualifier: [:x], :logger= => [nil], to_json: [], :== => [1], eql?: [1], of?: [nil]
    }.freeze
    # Every public method of the object's class, called on a new object each time.
    def judge(name, methods)
      methods.each do |method|
        *arguments = ARGUMENTS.fetch(method, [])
        options = arguments.last.is_a?(Hash) ? arguments.pop : {}
        object = yield
        block = method == :on_change ? proc {} : nil
        puts "#{name}##{method}: #{judged { object.public_send(method, *arguments, **options, &block) }}"
      end
    end
  RUBY

  def outcomes(code, env: {})
    token = local_aws.world.fetch('web_identity_tokens').keys.first
    result = ruby_process(code, env: local_aws.env_with_keys.merge('AWS_REGION' => 'eu-west-1', **env), arguments: [token], timeout: 50)
    expect(result.stderr).to eq('')
    result.stdout.lines(chomp: true).to_h { |line| line.split(': ', 2) }
  end

  define_method(:preamble) { preamble }

  {
    'a session'                       => 'Aws::Session.new(**worker)',
    'a session with credentials'      => 'Aws::Session.new(**worker).tap { |session| session.credentials && session.identity }',
    'a session with a token'          => 'Aws::Session.new(web_identity_token: TOKEN, **irsa)',
    'a session with a callable token' => 'Aws::Session.new(web_identity_token: -> { TOKEN }, **irsa)',
    'a session with a source'         => 'Aws::Session.new(source: Aws::Session.new, **worker)',
    'a session with listeners'        => 'Aws::Session.new(**worker).tap { |session| session.on_change {} }'
  }.each do |name, made|
    it "every method of #{name} works, or says that it does not" do
      found = outcomes(<<~RUBY)
        #{preamble}
        judge('Session', Aws::Session.public_instance_methods(false) - #{name.include?('token') ? '[]' : '[:web_identity_token=]'}) { #{made} }
      RUBY
      expect(found.reject { |_, outcome| %w[works refused].include?(outcome) }).to eq({})
      expect(found.size).to be >= 18
      held = %w[credentials identity expiration expired? refresh! access_key_id].map { |method| found["Session##{method}"] }.compact
      expect(held).to all(eq('works')) unless name.match?(/callable|source/)
    end
  end

  it 'every method of the other classes works, or says that it does not, at its first use and later' do
    found = outcomes(<<~RUBY)
      #{preamble}
      judge('Identity', Aws::Identity.singleton_methods(false)) { Aws::Identity }
      judge('Aws', %i[profiles doctor logger logger= settings identity_provider? remote_invocable?]) { Aws }
      judge('CurrentCredentials', Aws::Identity.current_credentials.class.public_instance_methods(false)) { Aws::Identity.current_credentials }
      held = Aws::Session.new(**worker)
      judge('Credentials', Aws::Credentials.public_instance_methods(false)) { held.credentials }
      judge('CallerIdentity', Aws::CallerIdentity.public_instance_methods(false).grep_v(/=\\z/)) { held.identity }
      judge('Subscription', Aws::Subscription.public_instance_methods(false) - [:tell]) { held.on_change {} }
      judge('Lease', Aws::Lease::Standalone.public_instance_methods(false) + Aws::Lease.public_instance_methods(false) - [:pretty_print]) { Aws::Identity.provide_token }
      judge('Report', Aws::Doctor::Report.public_instance_methods(false)) { @report ||= Aws.doctor }
      [Aws, Aws::Identity].each do |module_|
        judge("\#{module_.name} later", module_.singleton_methods(false) - %i[const_missing autobuild from_layers logger= normalize resolve_qualifier]) { module_ }
      end
    RUBY
    expect(found.reject { |_, outcome| %w[works refused].include?(outcome) }).to eq({})
    expect(found.size).to be > 90
    expect(found.delete('CallerIdentity#to_json')).to eq('refused') # it loads json
    expect(found.select { |name, _| name.match?(/Subscription#|Credentials#|CallerIdentity#|Identity later#/) }.values).to all(eq('works'))
  end

  it 'a changed environment is an Error of Identity there, and takes effect afterwards' do
    found = outcomes(<<~RUBY)
      #{preamble}
      current = Aws::Identity.current_credentials
      { 'resolve' => -> { Aws::Identity.resolve }, 'lease' => -> { Aws::Identity.provide_token }, 'refresh!' => -> { current.refresh! } }.each do |name, use|
        use.call
        ENV['AWS_REGION'] = "eu-west-\#{name.size}"
        sleep 1.05 # settings count as unchanged for a second
        puts "\#{name}: \#{judged(&use)} \#{current.credentials.region}"
      end
    RUBY
    expect(found).to eq('resolve' => 'refused eu-west-7', 'lease' => 'refused eu-west-5', 'refresh!' => 'refused eu-west-8')
  end

  describe 'unsubscribe' do
    it 'ends the events and the thread, also while the main thread subscribes' do
      found = outcomes(<<~RUBY)
        #{preamble}
        session = Aws::Session.new(**worker)
        first = session.on_change { |event| puts "told: \#{event.type}" }
        lock = session.instance_variable_get(:@listeners).instance_variable_get(:@lock)
        puts "while the lock is held: \#{lock.synchronize { trapped { first.unsubscribe } }.inspect}"
        puts "active: \#{first.active?}"
        subscribing = true
        subscriptions = Queue.new
        trap(:USR1) { subscriptions.pop.unsubscribe unless subscriptions.empty? }
        signals = Thread.new { (Process.kill(:USR1, Process.pid); sleep(0.0005)) while subscribing }
        400.times { subscriptions << session.on_change { |event| puts "told: \#{event.type}" } }
        sleep 0.01 until subscriptions.empty?
        subscribing = false
        signals.join
        session.credentials
        deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 6
        sleep 0.01 while Thread.list.size > 1 && Process.clock_gettime(Process::CLOCK_MONOTONIC) < deadline
        puts "threads: \#{Thread.list.size}"
        events = Queue.new
        session.on_change { |event| events << event.type }
        session.refresh!
        puts "afterwards: \#{events.pop}"
      RUBY
      expect(found).to eq('while the lock is held' => '[nil]', 'active' => 'false', 'threads' => '1', 'afterwards' => 'invalidated')
    end
  end
end
