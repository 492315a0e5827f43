# frozen_string_literal: true

require 'tempfile'
require 'session/support/mfa_users'

RSpec.describe 'A session with a token_provider for MFA codes', :mfa_users do
  aws = Legion::Extensions::Identity::Aws

  around { |example| with_env(local_aws.env_with_keys) { example.run } }

  let(:provider) { MfaUsers::CodeProvider.new }

  it 'calls the token_provider with the serial number on the reading thread, and sends serial number and code' do
    session = mfa_session(provider)
    expect(session.credentials).to be_set
    expect(provider.questions.pop).to have_attributes(serial_number: MfaUsers::DEVICE, thread: Thread.current)
    expect(asked_of_sts('AssumeRole').map { |request| request[:params] })
      .to contain_exactly(include('SerialNumber' => MfaUsers::DEVICE, 'TokenCode' => '111111'))
  end

  it 'prompts once for identity and credentials together' do
    session = mfa_session(provider)
    expect(session.identity.role).to eq('mfa-only')
    expect(session.credentials).to be_set
    expect(provider.asked).to eq(1)
  end

  it 'prompts for the device of a profile with mfa_serial' do
    config = Tempfile.create('config').tap { |file| file.write(<<~INI) && file.flush }
      [profile people]
      role_arn = #{MfaUsers::MFA_ROLE}
      mfa_serial = #{MfaUsers::DEVICE}
      credential_source = Environment
    INI
    with_env(local_aws.env_with_keys.merge('AWS_CONFIG_FILE' => config.path)) do
      expect(aws::Session.new(profile: 'people', token_provider: provider).identity.role).to eq('mfa-only')
      expect(provider.questions.pop.serial_number).to eq(MfaUsers::DEVICE)
    end
  end

  it 'prompts for GetSessionToken too, whose credentials may last 36 hours' do
    session = aws::Session.new(get_session_token: true, session_duration: 129_600, serial_number: MfaUsers::DEVICE, token_provider: provider)
    expect(session.credentials.expiration).to be_within(60).of(Time.now + 129_600)
    expect(asked_of_sts('GetSessionToken').first[:params]).to include('TokenCode' => '111111', 'DurationSeconds' => '129600')
  end

  it 'prompts once for GetSessionToken; the roles of a profile on top of it need no code' do
    config = Tempfile.create('config').tap { |file| file.write(<<~INI) && file.flush }
      [profile people]
      role_arn = #{MfaUsers::MFA_ROLE}
      mfa_serial = #{MfaUsers::DEVICE}
      credential_source = Environment
    INI
    with_env(local_aws.env_with_keys.merge('AWS_CONFIG_FILE' => config.path)) do
      session = aws::Session.new(profile: 'people', get_session_token: true, serial_number: MfaUsers::DEVICE, token_provider: provider)
      expect(session.identity.role).to eq('mfa-only')
      expect(provider.asked).to eq(1)
    end
  end

  it 'prompts for the first role of a chain only' do
    session = mfa_session(provider, role_arn: [MfaUsers::MFA_ROLE, MfaUsers::WORKER])
    expect(session.identity.role).to eq('legion-worker')
    expect(asked_of_sts('AssumeRole').map { |request| request[:params]['TokenCode'] }).to eq(['111111', nil])
  end

  it 'does not prompt where no role needs a code' do
    session = aws::Session.new(role_arn: MfaUsers::WORKER, token_provider: provider)
    expect(session.credentials).to be_set
    expect(provider.asked).to eq(0)
  end

  describe 'whose threads read at once' do
    let(:latch) { Queue.new }
    let(:provider) { MfaUsers::CodeProvider.new { latch.pop } }

    it 'prompts on one of them, and the others wait for its fetch' do
      session = mfa_session(provider)
      readers = Array.new(20) { thread { session.credentials } }
      eventually { provider.asked == 1 && readers.all?(&:stop?) }
      latch << :open
      expect(readers.map(&:value).uniq.size).to eq(1)
      expect(provider.asked).to eq(1)
      expect(asked_of_sts('AssumeRole').size).to eq(1)
    end

    it 'prompts once for all threads that call refresh!' do
      session = mfa_session(provider)
      latch << :open
      first = session.credentials
      readers = Array.new(10) { thread { session.refresh! } }
      eventually { provider.asked == 2 && readers.all?(&:stop?) }
      latch << :open
      expect(readers.map(&:value).uniq).to contain_exactly(satisfy { |second| second != first })
      expect(provider.asked).to eq(2)
    end

    it 'prompts on another thread when the prompting one is killed' do
      session = mfa_session(provider)
      readers = Array.new(5) { thread { session.credentials } }
      eventually { provider.asked == 1 && readers.all?(&:stop?) }
      first = provider.questions.pop.thread
      first.kill.join
      eventually { provider.asked == 1 }
      expect(provider.questions.pop.thread).to be_alive.and(satisfy { |second| second != first })
      latch << :open
      expect((readers - [first]).map(&:value).uniq.size).to eq(1)
      expect(asked_of_sts('AssumeRole').size).to eq(1)
    end

    it 'prompts on another thread when the prompting one is interrupted by its own time-out' do
      session = mfa_session(provider)
      first = thread { Timeout.timeout(1) { session.credentials } }
      eventually { provider.asked == 1 }
      second = thread { session.credentials }
      expect { first.value }.to raise_error(Timeout::Error)
      eventually { provider.asked == 2 }
      latch << :open
      expect(second.value).to be_set
    end

    it 'raises in all of them, with the reason, when the provider raises' do
      session = mfa_session(->(_) { latch.pop && raise(KeyError, 'canary') })
      readers = Array.new(5) { thread { session.credentials } }
      eventually { readers.all?(&:stop?) }
      latch << :open
      readers.each { |reader| expect { reader.value }.to raise_error(aws::NoCredentialsError, /token_provider raised KeyError/) }
    end

    it 'makes the others wait at most token_timeout, even if the provider ignores its time-out' do
      stubborn = lambda do |_|
        latch.pop
      rescue Exception # rubocop:disable Lint/RescueException -- a provider that ignores every time-out
        retry
      end
      session = mfa_session(stubborn, token_timeout: 0.3)
      asking = thread { session.credentials }
      eventually { asking.stop? }
      result, seconds = took { session.credentials }
      expect(result).to be_a(aws::TimeoutError).and have_attributes(message: /token_code did not come within 0.8 s/)
      expect(seconds).to be_between(0.7, 4)
      latch << '111111'
      expect(asking.value).to be_set
    end
  end

  describe 'whose provider gives no valid code' do
    def refused(session = mfa_session(provider))
      session.credentials
      raise 'it was not refused'
    rescue MfaUsers::Aws::Error => e
      e
    end

    {
      'nil'                    => [nil, /gave NilClass in place of the six digits/],
      'an Integer'             => [111_111, /gave Integer in place of/],
      'a blank String'         => [" \n", /gave a blank String in place of/],
      'bytes that are no text' => ["11111\xFF", /gave a String that is no text/],
      'five digits'            => ['11111', /The MFA code has 5 characters; STS takes exactly six digits/],
      'letters'                => ['canary', /STS takes exactly six digits/]
    }.each do |what, (code, message)|
      it "raises for #{what}, and sends no request" do
        error = refused(mfa_session(->(_) { code }))
        expect(error).to be_a(aws::Error).and have_attributes(message: message)
        expect(error.message).not_to include('canary')
        expect(asked_of_sts).to be_empty
      end
    end

    it 'accepts a code with white space around it' do
      expect(mfa_session(->(_) { "111111\n" }).credentials).to be_set
    end

    it 'names the class of the error the provider raised and keeps it as the cause, without its message' do
      error = refused(mfa_session(->(_) { raise ArgumentError, 'canary' }))
      expect(error).to be_a(aws::NoCredentialsError).and have_attributes(message: /token_provider raised ArgumentError/,
                                                                         cause:   an_instance_of(ArgumentError))
      expect(error.message).not_to include('canary')
    end

    it 'interrupts the provider after token_timeout' do
      error, seconds = took { refused(mfa_session(->(_) { sleep }, token_timeout: 0.2)) }
      expect(error).to be_a(aws::TimeoutError).and have_attributes(message: /token_provider gave no answer within 0.2 s \(token_timeout\)/)
      expect(seconds).to be < 1
    end

    it 'lets an Interrupt during the prompt through' do
      expect { mfa_session(->(_) { raise Interrupt }).credentials }.to raise_error(Interrupt)
    end

    it 'never sends a code twice' do
      session = mfa_session(->(_) { '111111' })
      session.credentials
      expect { session.refresh! }.to raise_error(aws::NoCredentialsError, /code that was used before/)
      expect(asked_of_sts('AssumeRole').size).to eq(1)
    end

    it 'never sends a code twice when the answer to it is lost' do
      local_aws.rule(service: :sts, action: 'AssumeRole', times: 1, answer: 'drop')
      session = mfa_session(->(_) { '111111' })
      expect { session.credentials }.to raise_error(aws::ConnectionError)
      expect { session.credentials }.to raise_error(aws::NoCredentialsError, /code that was used before/)
      expect(asked_of_sts('AssumeRole').size).to eq(1)
    end

    it 'raises the refusal of a wrong code, and prompts again at the next read after a second' do
      codes = %w[123123 111111]
      session = mfa_session(->(_) { codes.shift })
      expect { session.credentials }.to raise_error(aws::AccessDeniedError)
      expect { session.credentials }.to raise_error(aws::AccessDeniedError)
      expect(codes.size).to eq(1)
      sleep 1.05
      expect(session.credentials).to be_set
    end

    it 'raises where the provider reads the session that prompts' do
      session = nil
      session = mfa_session(->(_) { session.credentials })
      expect { session.credentials }.to raise_error(aws::ConfigurationError, /reads the very session that asks it/)
    end

    it 'does not hang where another thread of the provider reads the session' do
      session = nil
      session = mfa_session(->(_) { Thread.new { session.credentials }.tap { |thread| thread.report_on_exception = false }.value }, token_timeout: 0.2)
      result, seconds = took { session.credentials }
      expect(result).to be_a(aws::TimeoutError)
      expect(seconds).to be < 2
    end
  end

  describe 'whose credentials are due for a refresh' do
    it 'does not prompt in the advisory window' do
      lifetime(6)
      session = mfa_session(provider)
      first = session.credentials
      sleep 3.2
      expect(10.times.map { session.credentials }).to all(equal(first))
      expect(provider.asked).to eq(1)
      expect(asked_of_sts('AssumeRole').size).to eq(1)
    end

    it 'prompts on a reading thread in the mandatory window, while the others keep the held credentials' do
      latch = Queue.new
      provider = MfaUsers::CodeProvider.new { latch.pop }
      lifetime(12)
      session = mfa_session(provider)
      latch << :open
      first = session.credentials
      reach(session, first.expiration - 1.1)
      asking = thread { session.credentials }
      eventually { provider.asked == 2 }
      expect(session.credentials).to equal(first)
      latch << :open
      expect(asking.value).not_to eq(first)
      expect(session.credentials).to equal(asking.value)
    end

    # The mandatory window is the last tenth of so short a life.
    def reach(session, moment)
      sleep [moment - Time.now, 0].max
      expect(session.credentials(fetch: false)).not_to be_expired
    end

    it 'serves the held credentials without a code until they expire, and never expired ones' do
      lifetime(10)
      codes = ['111111']
      session = mfa_session(->(_) { codes.shift })
      first = session.credentials
      reach(session, first.expiration - 0.9)
      expect(session.credentials).to have_attributes(access_key_id: first.access_key_id, degraded: /token_provider gave NilClass/)
      sleep [first.expiration + 0.1 - Time.now, 0].max
      expect { session.credentials }.to raise_error(aws::NoCredentialsError, /token_provider/)
      expect(session.credentials(fetch: false)).to be_nil
      codes << '222222'
      expect(session.credentials).to have_attributes(expired?: false, degraded: nil)
    end

    it 'serves no expired credentials in an outage' do
      lifetime(2)
      session = mfa_session(provider)
      session.credentials
      outage do
        sleep 2.1
        expect { session.credentials }.to raise_error(aws::ServiceError)
      end
    end
  end

  describe '#prefetch' do
    it 'prompts on the calling thread, and does not wait for AWS' do
      hold = local_aws.rule(service: :sts, action: 'AssumeRole', hold: true)
      session = mfa_session(provider)
      started, seconds = took { session.prefetch }
      expect([started, provider.asked, provider.questions.pop.thread]).to eq([true, 1, Thread.current])
      expect(seconds).to be < 1
      expect(session.prefetch).to be(false)
      local_aws.remove_rule(hold)
      expect(session.credentials).to be_set
      expect(provider.asked).to eq(0)
    end

    it 'raises where the provider gives no code' do
      expect { mfa_session(->(_) {}).prefetch }.to raise_error(aws::NoCredentialsError, /token_provider/)
    end

    it 'prompts only after the cache on disk was looked at' do
      Dir.mktmpdir do |folder|
        session = mfa_session(provider, cache: folder)
        expect([session.prefetch, provider.asked]).to eq([true, 1])
        expect(session.credentials).to be_set
        expect(mfa_session(provider, cache: folder).credentials).to eq(session.credentials)
        expect(provider.asked).to eq(1)
      end
    end
  end

  it 'shares its credentials through the cache; a session without a token_provider serves them until they expire' do
    Dir.mktmpdir do |folder|
      shared = { cache: folder, session_duration: 900 }
      mine = mfa_session(provider, **shared).credentials
      other = mfa_session(nil, **shared)
      expect(other.credentials).to eq(mine)
      expect(provider.asked).to eq(1)
      expect { other.refresh! }.to raise_error(aws::NoCredentialsError, /needs MFA with the device .*there is no token_provider to ask/)
      expect(other.credentials).to have_attributes(access_key_id: mine.access_key_id, degraded: /Give the session a token_provider/)
    end
  end

  it 'never serves expired credentials without a token_provider, and says what is missing' do
    Dir.mktmpdir do |folder|
      shared = { cache: folder, session_duration: 900 }
      mfa_session(provider, **shared).credentials
      other = mfa_session(nil, **shared)
      expect(other.credentials).to be_set
      local_aws.rule(service: :sts, skew_seconds: 1000) # STS's clock is ahead: the credentials are expired by it
      expect { other.identity }.to raise_error(aws::Error, /ExpiredToken/)
      expect { other.credentials }.to raise_error(aws::NoCredentialsError, /there is no token_provider to ask/)
      expect(other.credentials(fetch: false)).to be_nil
    end
  end

  it 'says without a token_provider what is missing' do
    expect { mfa_session(nil).credentials }
      .to raise_error(aws::NoCredentialsError, /needs MFA with the device #{MfaUsers::DEVICE}, and there is no token_provider to ask.*token_provider/)
  end

  it 'refuses a token_provider that cannot be called' do
    expect { mfa_session('111111') }.to raise_error(ArgumentError, /token_provider is of class String; it takes a callable/)
    expect { mfa_session(false) }.to raise_error(ArgumentError, /FalseClass/)
  end

  it 'is given the serial number, or nothing where it takes nothing, whatever kind of callable it is' do
    answering = Class.new { def call = '333333' }.new
    def answering.code(_serial) = '444444'
    ignoring = Class.new do
      def respond_to?(name, all = false) = name == :call || super # rubocop:disable Style/OptionalBooleanParameter -- as Ruby calls it
      def method_missing(name, serial) = name == :call && serial == MfaUsers::DEVICE ? '666666' : super
      def respond_to_missing?(*) = false
    end.new
    [-> { '111111' }, ->(serial) { serial == MfaUsers::DEVICE ? '222222' : raise(serial) }, answering,
     answering.method(:code),
     proc { |serial, other| other.nil? && serial ? '555555' : '' }, ignoring,
     ->(serial = nil) { serial ? '777777' : '' }, ->(*all) { all.one? ? '888888' : '' },
     Class.new { def code = '999999' }.new.method(:code)].each { |provider| expect(mfa_session(provider).credentials).to be_set }
  end

  it 'refuses a token_provider that takes other arguments, before it is called' do
    [->(_serial, _other) { '111111' }, ->(serial:) { serial }, ->(_serial, other:) { other }].each do |provider|
      expect { mfa_session(provider) }.to raise_error(ArgumentError, /token_provider takes other arguments than it is called with.*->\(serial_number\)/)
    end
  end

  describe 'in a trap handler' do
    def in_trap(&block)
      done = Queue.new
      before = trap(:USR1) { done << took(&block) }
      Process.kill(:USR1, Process.pid)
      done.pop.first
    ensure
      trap(:USR1, before)
    end

    it 'reads the held credentials' do
      session = mfa_session(provider)
      first = session.credentials
      expect(in_trap { session.credentials }).to equal(first)
    end

    it 'raises an error that says that a handler cannot prompt' do
      session = mfa_session(provider)
      expect(in_trap { session.credentials }).to be_a(aws::NoCredentialsError).and have_attributes(message: /outside of signal handlers/)
    end
  end

  it 'prompts in a forked child although a thread of the parent is prompting' do
    result = ruby_process(<<~RUBY, env: local_aws.env_with_keys)
      require 'legion/extensions/identity/aws'
      parent = Process.pid
      asked = Queue.new
      provider = ->(_) { asked << 1; Process.pid == parent ? sleep : '222222' }
      session = Legion::Extensions::Identity::Aws::Session.new(role_arn: #{MfaUsers::MFA_ROLE.dump}, serial_number: #{MfaUsers::DEVICE.dump},
                                                               token_provider: provider)
      Thread.new { session.credentials }
      asked.pop
      Process.wait(fork { puts session.credentials.set? })
      puts $?.exitstatus
    RUBY
    expect(result.stdout.split).to eq(%w[true 0])
  end

  it 'never prompts in LegionIO: token_provider is no key of its settings' do
    provider = aws::LegionIO::Provider.new(role_arn: MfaUsers::MFA_ROLE, serial_number: MfaUsers::DEVICE)
    expect { provider.resolve }.to raise_error(aws::NoCredentialsError, /there is no token_provider to ask/)
    expect { aws::Internal::Native::Session.new({ options: {}, settings: { 'token_provider' => 'x' } }) }.not_to raise_error
  end
end
