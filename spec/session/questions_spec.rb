# frozen_string_literal: true

require 'tempfile'
require 'tmpdir'
require 'session/support/mfa_users'

# Failures between a fetch that asks a question and the thread that answers it.
RSpec.describe 'A fetch that asks the application', :mfa_users do
  aws = Legion::Extensions::Identity::Aws

  around { |example| with_env(local_aws.env_with_keys) { example.run } }

  let(:latch) { Queue.new }
  let(:token_provider) { MfaUsers::CodeProvider.new { latch.pop } }

  def token = @token ||= local_aws.world.fetch('web_identity_tokens').keys.first

  def web_session(callable, **options)
    with_env(local_aws.env) { MfaUsers::Aws::Session.new(role_arn: MfaUsers::IRSA_ROLE, web_identity_token: callable, **options) }
  end

  # Something that reads a session when it is asked for credentials, as a foreign source does.
  def source_of(&block) = Struct.new(:credentials).new.tap { |source| source.define_singleton_method(:credentials, &block) }

  def on_top_of(source, **options) = MfaUsers::Aws::Session.new(source: source, role_arn: MfaUsers::WORKER, **options)

  def in_trap(&block)
    done = Queue.new
    before = trap(:USR1) { done << took(&block).first }
    Process.kill(:USR1, Process.pid)
    done.pop
  ensure
    trap(:USR1, before)
  end

  describe 'and whose readers leave' do
    it 'asks a callable once, however often its readers time out' do
      asked = Queue.new
      session = web_session(-> { (asked << 1) && latch.pop && token })
      4.times { expect { Timeout.timeout(0.2) { session.credentials } }.to raise_error(Timeout::Error) }
      latch << :open
      expect(session.credentials).to be_set
      expect([asked.size, session.counters[:fetches]]).to eq([1, 1])
    end

    it 'asks no thread that is gone, wherever it was killed' do
      session = mfa_session(->(_) { sleep(rand / 100) && rand(100_000..999_999).to_s })
      local_aws.rule(service: :sts, action: 'AssumeRole', answer: { error: { status: 503, code: 'ServiceUnavailable', message: 'down' } })
      40.times do
        readers = Array.new(4) { thread { took { session.credentials } } }
        sleep(rand / 50)
        readers.each(&:kill).each(&:join)
      end
      result, seconds = took { session.credentials }
      expect(result).to be_a(aws::ServiceError)
      expect(seconds).to be < 2
    end

    it 'begins again with another helper thread where the first was killed' do
      killed = 0
      session = web_session(-> { token })
      fetches = session.instance_variable_get(:@fetches)
      allow(fetches).to receive(:start_helper).and_wrap_original do |original, *arguments|
        original.call(*arguments).tap do |helper|
          eventually { helper.stop? } # a thread killed before it runs executes no ensure
          helper.kill if (killed += 1) == 1
        end
      end
      result, seconds = took { session.credentials }
      expect([result, killed]).to match([be_set, 2])
      expect(seconds).to be < 5
    end

    it 'gives the next one the whole token_timeout' do
      session = mfa_session(token_provider, token_timeout: 2)
      first = thread { session.credentials }
      eventually { token_provider.asked == 1 }
      sleep 1.2
      second = thread { session.credentials }
      eventually { second.stop? }
      first.kill.join
      eventually { token_provider.asked == 2 }
      sleep 1.2
      latch << :open
      expect(second.value).to be_set
    end

    it 'stops a fetch that no reader waits for any more, and counts no failure' do
      session = mfa_session(token_provider)
      reader = thread { session.credentials }
      eventually { token_provider.asked == 1 }
      reader.kill.join
      sleep 2.2 # an untaken question lives 2 s
      expect(session.counters).to include(failures: 0, back_offs: 0, fetches: 1)
      latch << :open
      expect(session.credentials).to be_set
    end
  end

  describe 'and whose threads are many' do
    it 'prompts one of 50, and the others keep the held credentials' do
      lifetime(20)
      session = mfa_session(token_provider)
      latch << :open
      first = session.credentials
      sleep [first.expiration - 1.9 - Time.now, 0].max
      readers = Array.new(50) { thread { session.credentials } }
      eventually { token_provider.asked == 2 && readers.one?(&:alive?) }
      expect(readers.reject(&:alive?).map(&:value)).to all(equal(first))
      latch << :open
      expect(readers.find(&:alive?).value).not_to eq(first)
      expect(token_provider.asked).to eq(2)
    end

    it 'prompts on no background thread, and raises at once there' do
      session = mfa_session(token_provider)
      mine = aws::Internal::OwnThread::UNATTENDED
      result, seconds = thread { Thread.current.thread_variable_set(mine, true) && took { session.credentials } }.value
      expect(result).to be_a(aws::NoCredentialsError).and have_attributes(message: /there is no MFA prompt in the background/)
      expect(seconds).to be < 2
      expect(token_provider.asked).to eq(0)
      latch << :open
      expect(session.credentials).to be_set
      expect(session.counters).to include(failures: 0, back_offs: 0)
    end

    it 'calls its listeners while a prompt is open' do
      lifetime(2)
      session = mfa_session(token_provider)
      latch << :open
      events = Queue.new
      subscription = session.on_change { |event| events << event.type }
      session.credentials
      expect(Timeout.timeout(5) { events.pop }).to eq(:refreshed)
      asking = thread { sleep(1.9) && session.credentials }
      expect(Timeout.timeout(8) { events.pop }).to eq(:expired)
      expect(asking).to be_alive
      latch << :open
      expect(asking.value).to be_set
    ensure
      subscription&.unsubscribe
    end
  end

  describe 'where no thread can be started' do
    before { allow(Thread).to receive(:new).and_raise(ThreadError, "can't create Thread") }

    it 'begins no fetch, and the session stays usable' do
      session = web_session(-> { token })
      expect { session.credentials }.to raise_error(aws::NoCredentialsError, /can't create Thread/)
      expect(session.prefetch).to be(false)
      expect(session.counters[:fetches]).to eq(0)
      allow(Thread).to receive(:new).and_call_original
      expect(session.credentials).to be_set
    end

    it 'serves what is held' do
      allow(Thread).to receive(:new).and_call_original
      lifetime(4)
      session = web_session(-> { token })
      first = session.credentials
      sleep [first.expiration - 1.5 - Time.now, 0].max
      allow(Thread).to receive(:new).and_raise(ThreadError, "can't create Thread")
      expect(session.credentials).to equal(first)
      expect(session.counters[:fetches]).to eq(1)
    end
  end

  it 'costs a read of what is held one native call, as without callbacks' do
    [mfa_session(->(_) { '111111' }), web_session(-> { token }), on_top_of(aws::Credentials.new('AKIA', 'secret'))].first(2).each do |session|
      session.credentials
      calls = []
      TracePoint.new(:c_call) { |point| calls << point.method_id if point.self.is_a?(aws::Internal::Native::Session) }.enable { session.credentials }
      expect(calls).to eq([:serial])
    end
  end

  it 'is started by a prefetch that does not wait for what comes before the question' do
    hold = local_aws.rule(service: :imds, hold: true)
    with_env(local_aws.env.merge('AWS_EC2_METADATA_SERVICE_ENDPOINT' => local_aws.http, 'AWS_EC2_METADATA_DISABLED' => nil)) do
      session = mfa_session(token_provider, resolve_timeout: 30, read_timeout: 30)
      started, seconds = took { session.prefetch }
      expect([started, token_provider.asked]).to eq([true, 0])
      expect(seconds).to be < 5 # the answer is held for longer
      local_aws.remove_rule(hold)
      latch << :open
      took { session.credentials }
      expect(token_provider.asked).to eq(1)
    end
  end

  describe 'in a circle' do
    def circle_of(first, second)
      [first, second].map { |session| thread { session.credentials } }.map { |reader| took { reader.value } }
    end

    it 'raises at once, on one thread and over helper threads' do
      upper = nil
      lower = on_top_of(source_of { upper.credentials })
      upper = on_top_of(lower)
      [upper, lower].each do |session|
        result, seconds = took { session.credentials }
        expect(result).to be_a(aws::ConfigurationError).and have_attributes(message: /reads the very session that asks it/)
        expect(seconds).to be < 1
      end
    end

    it 'raises at once where two readers wait for each other' do
      second = nil
      both = Queue.new
      meet = -> { (both << 1) && eventually { both.size == 2 }.nil? }
      first = on_top_of(source_of { meet.call && second.credentials })
      second = on_top_of(source_of { meet.call && first.credentials })
      results = circle_of(first, second)
      expect(results.map(&:first)).to all(be_a(aws::Error))
      expect(results.map(&:first)).to include(be_a(aws::ConfigurationError))
      expect(results.map(&:last)).to all(be < 2)
    end
  end

  it 'does not touch the question of the parent in a child that a callback forks' do
    result = ruby_process(<<~RUBY, env: local_aws.env_with_keys)
      require 'legion/extensions/identity/aws'
      parent = Process.pid
      provider = lambda do |_|
        next '222222' unless Process.pid == parent

        $child = fork { puts $session.credentials.set? }
        Process.wait($child)
        Process.pid == parent ? '111111' : '333333'
      end
      $session = Legion::Extensions::Identity::Aws::Session.new(role_arn: #{MfaUsers::MFA_ROLE.dump}, serial_number: #{MfaUsers::DEVICE.dump},
                                                                token_provider: provider)
      puts $session.credentials.set?, $?.exitstatus
    RUBY
    expect([result.stderr, result.stdout.split]).to eq(['', %w[true true 0]])
  end

  it 'stops with its session' do
    local_aws.rule(service: :imds, delay_ms: 100) # so that no prefetch is there to be asked
    env = local_aws.env.merge('AWS_EC2_METADATA_SERVICE_ENDPOINT' => local_aws.http, 'AWS_EC2_METADATA_DISABLED' => nil,
                              'AWS_ACCESS_KEY_ID' => nil, 'AWS_SECRET_ACCESS_KEY' => nil)
    result = ruby_process(<<~RUBY, env: env)
      require 'legion/extensions/identity/aws'
      def fetching = Dir.glob('/proc/self/task/*/comm').count { |file| File.read(file).start_with?('aws-identity') rescue false }

      def start
        Legion::Extensions::Identity::Aws::Session.new(role_arn: #{MfaUsers::MFA_ROLE.dump}, serial_number: #{MfaUsers::DEVICE.dump},
                                                       token_provider: ->(_) { raise 'asked' }).prefetch
      end
      20.times { start }
      # By themselves they end 2 s after the question, which no thread takes.
      50.times { (before = fetching) > 10 ? break : sleep(0.02) }
      before = fetching
      5.times { GC.start }
      after = fetching
      50.times { (after = fetching) < 5 ? break : sleep(0.02) }
      puts before, after
    RUBY
    before, after = result.stdout.split.map(&:to_i)
    expect(result.stderr).to eq('')
    expect(before).to be > 10
    expect(after).to be < 5 # a slot of the stack that still looks like a reference keeps one or the other
  end

  it 'is not waited for by a trap handler on the thread that answers it' do
    result = nil
    session = nil
    session = mfa_session(lambda do |_|
      result = in_trap { session.credentials }
      '111111'
    end)
    expect(session.credentials).to be_set
    expect(result).to be_a(aws::NoCredentialsError).and have_attributes(message: /outside of signal handlers/)
  end

  describe 'whose callback raises' do
    {
      'a class of its own'      => [-> { raise Class.new(SecurityError), 'canary' }, /raised/],
      'SystemExit'              => [-> { exit }, /raised SystemExit/],
      'Interrupt'               => [-> { raise Interrupt, 'canary' }, /raised Interrupt/],
      'NoMemoryError'           => [-> { raise NoMemoryError, 'canary' }, /raised NoMemoryError/],
      'out of a loop'           => [-> { throw :nowhere }, /raised UncaughtThrowError/],
      'nothing, and its thread' => [-> { Thread.exit }, /thread that asked the web_identity_token was ended/]
    }.each do |what, (callable, message)|
      it "#{what} on a thread of ours: all waiting readers get the error, with the cause" do
        session = web_session(-> { latch.pop && callable.call })
        readers = Array.new(3) { thread { session.credentials } }
        eventually { readers.all?(&:stop?) }
        latch << :open
        readers.each do |reader|
          expect { reader.value }.to raise_error(aws::NoCredentialsError, message) { |error|
            expect(error.message).not_to include('canary')
            expect(error.cause).not_to be_nil unless what.start_with?('nothing')
          }
        end
      end
    end

    { 'SystemExit' => SystemExit, 'Interrupt' => Interrupt, 'a signal' => SignalException.new('TERM') }.each do |what, exception|
      it "#{what} on the reader's own thread: it passes, and the next reader is asked" do
        answers = [-> { latch.pop && raise(exception) }, -> { '111111' }]
        session = mfa_session(->(_) { answers.shift.call })
        first = thread { session.credentials }
        eventually { answers.size == 1 }
        second = thread { session.credentials }
        eventually { second.stop? }
        latch << :open
        expect { first.value }.to raise_error(exception.is_a?(Class) ? exception : exception.class)
        expect(second.value).to be_set
      end
    end
  end

  it 'takes an answer that comes late for the next fetch, from a helper thread too' do
    asked = Queue.new
    stubborn = lambda do
      asked << 1
      latch.pop && token
    rescue Exception # rubocop:disable Lint/RescueException -- that is what is stubborn
      retry
    end
    session = web_session(stubborn, process_timeout: 0.2)
    expect { session.credentials }.to raise_error(aws::TimeoutError)
    latch << :open
    eventually { session.credentials(fetch: false) }
    expect(session.counters).to include(fetches: 2, failures: 1)
  end

  it 'does not count the time of a callback towards resolve_timeout' do
    session = mfa_session(->(_) { sleep(2.5) && '111111' }, resolve_timeout: 2)
    expect(session.identity.milliseconds).to be < 2000
    expect(session.counters[:last_duration]).to be < 2
    expect(session.attempts.sum { |attempt| attempt[:milliseconds] }).to be < 2000
  end

  it 'leaves the lock of the cache on disk to others meanwhile, and looks again when it is answered' do
    Dir.mktmpdir do |folder|
      other = MfaUsers::CodeProvider.new(codes: %w[999999]) { latch.pop }
      first, second = [token_provider, other].map { |who| thread { mfa_session(who, cache: folder, resolve_timeout: 30).credentials } }
      eventually { token_provider.asked == 1 && other.asked == 1 } # one that waits for the lock does so for half of its time, 15 s
      latch << :open
      eventually { [first, second].one?(&:alive?) }
      latch << :open
      expect(first.value).to eq(second.value)
      expect(asked_of_sts('AssumeRole').size).to eq(1)
    end
  end

  it 'asks for one code, and sends it once' do
    config = Tempfile.create('config').tap { |file| file.write(<<~INI) && file.flush }
      [profile people]
      role_arn = #{MfaUsers::MFA_ROLE}
      mfa_serial = #{MfaUsers::DEVICE}
      source_profile = second
      [profile second]
      role_arn = #{MfaUsers::WORKER}
      mfa_serial = #{MfaUsers::DEVICE}
      credential_source = Environment
    INI
    token_provider = MfaUsers::CodeProvider.new
    with_env(local_aws.env_with_keys.merge('AWS_CONFIG_FILE' => config.path)) do
      session = aws::Session.new(profile: 'people', token_provider: token_provider)
      expect { session.credentials }.to raise_error(aws::NoCredentialsError, /already used for another role/)
    end
    expect(token_provider.asked).to eq(1)
    expect(asked_of_sts('AssumeRole').map { |request| request[:params]['TokenCode'] }).to eq(['111111'])
  end
end
