# frozen_string_literal: true

require 'session/support/mfa_users'

RSpec.describe 'Listening to a session', :mfa_users do
  aws = Legion::Extensions::Identity::Aws

  around { |example| with_env(local_aws.env_with_keys) { example.run } }

  let(:events) { Queue.new }
  let(:log) { StringIO.new }

  def session(**options) = MfaUsers::Aws::Session.new(role_arn: MfaUsers::WORKER, logger: Logger.new(log), **options)

  # The next event.
  def next_event = Timeout.timeout(10) { events.pop }

  it 'reports new credentials, on a thread that exists while there are listeners' do
    listened = session
    subscription = listened.on_change { |event| events << [event, Thread.current] }
    expect(threads_of_ours.size).to eq(1)
    held = listened.credentials
    event, teller = next_event
    expect(event).to have_attributes(type: :refreshed, access_key_id: held.access_key_id, expiration: held.expiration, reason: nil, attempt: 0,
                                     at: be_within(5).of(Time.now)).and be_frozen
    expect(threads_of_ours).to eq([teller])
    expect(subscription).to be_active
    subscription.unsubscribe
    eventually { threads_of_ours.empty? }
    expect(subscription).not_to be_active
  end

  it 'reports no event from before the subscription or after its end' do
    listened = session
    listened.credentials
    subscription = listened.on_change { |event| events << event }
    listened.refresh!
    expect(next_event.type).to eq(:invalidated)
    expect(next_event.type).to eq(:refreshed)
    subscription.unsubscribe
    listened.refresh!
    sleep 0.2
    expect(events).to be_empty
  end

  it 'calls several listeners in order, and the remaining ones after one unsubscribes' do
    listened = session
    first = listened.on_change { |event| events << [:first, event.type] }
    listened.on_change { |event| events << [:second, event.type] }
    listened.credentials
    expect([next_event, next_event]).to eq([%i[first refreshed], %i[second refreshed]])
    first.unsubscribe
    listened.refresh!
    expect([next_event, next_event]).to eq([%i[second invalidated], %i[second refreshed]])
    expect(threads_of_ours.size).to eq(1)
  end

  it 'goes on calling all listeners after one raises' do
    listened = session
    listened.on_change { raise NotImplementedError, 'this one' }
    listened.on_change { |event| events << event.type }
    listened.credentials
    expect(next_event).to eq(:refreshed)
    expect(log.string).to match(/a listener of on_change raised NotImplementedError at :refreshed: this one/)
    listened.refresh!
    expect([next_event, next_event]).to eq(%i[invalidated refreshed])
  end

  it 'lets a listener end its own subscription' do
    listened = session
    subscription = listened.on_change { |event| (events << event) && subscription.unsubscribe }
    listened.credentials
    eventually { threads_of_ours.empty? }
    listened.refresh!
    sleep 0.1
    expect(Array.new(events.size) { events.pop.type }).to eq([:refreshed])
  end

  it 'refreshes credentials that are not read' do
    lifetime(2)
    listened = session
    listened.on_change { |event| events << event }
    first = listened.credentials
    told = Array.new(4) { next_event }
    expect(told.map(&:type)).to eq([:refreshed] * 4)
    expect(told.map(&:access_key_id).uniq.size).to eq(4)
    expect(told.map { |event| event.expiration - event.at }).to all(be_positive)
    expect(listened.credentials).not_to eq(first)
    expect(listened.credentials).not_to be_expired
  end

  it 'refreshes through a callable in the background' do
    lifetime(4)
    token = local_aws.world.fetch('web_identity_tokens').keys.first
    listened = session(role_arn: MfaUsers::IRSA_ROLE, web_identity_token: -> { token })
    listened.on_change { |event| events << event }
    listened.credentials
    expect([next_event, next_event].map(&:type)).to eq(%i[refreshed refreshed])
  end

  it 'starts nothing before the first read' do
    session.on_change { |event| events << event }
    sleep 0.3
    expect(asked_of_sts).to be_empty
  end

  it 'does not prompt for MFA, and reports when the credentials expire' do
    lifetime(2)
    provider = MfaUsers::CodeProvider.new
    listened = mfa_session(provider)
    listened.on_change { |event| events << event }
    held = listened.credentials
    expect(next_event.type).to eq(:refreshed)
    expect(next_event).to have_attributes(type: :expired, access_key_id: held.access_key_id)
    expect(provider.asked).to eq(1)
    listened.credentials
    expect(next_event.type).to eq(:refreshed)
    expect(provider.asked).to eq(2)
  end

  it 'reports an outage: failed, degraded, expired, refreshed' do
    lifetime(3)
    # Else a request that fails is sent again for 4 s: here that must end before the credentials expire.
    listened = with_env(local_aws.env_with_keys.merge('AWS_MAX_ATTEMPTS' => '1')) { session }
    listened.on_change { |event| events << event }
    first = listened.credentials
    expect(next_event.type).to eq(:refreshed)
    outage do
      expect(next_event).to have_attributes(type: :refresh_failed, reason: /ServiceUnavailable/, attempt: 1, access_key_id: nil)
      expect(next_event).to have_attributes(type: :degraded, access_key_id: first.access_key_id, reason: /ServiceUnavailable/)
      sleep [first.expiration + 0.5 - Time.now, 0].max
    end
    told = []
    told << next_event until told.last&.type == :refreshed
    expect(told.map(&:type)).to include(:expired).and include(:refresh_failed)
    expect(told.map(&:type).tally).to include(expired: 1)
    expect(told.map(&:type)).not_to include(:degraded)
    expect(told.reverse.find { |event| event.type == :refresh_failed }.attempt).to be > 1
  end

  it 'asks a source with a final error at growing intervals' do
    lifetime(2)
    listened = session
    listened.on_change { |event| events << event }
    listened.credentials
    local_aws.rule(service: :sts, answer: { error: { status: 403, code: 'AccessDenied', message: 'no' } }) do
      sleep 5
      expect(asked_of_sts('AssumeRole').size).to be_between(3, 6)
    end
  end

  it 'reports the invalidation of the held key only' do
    listened = session
    listened.on_change { |event| events << event.type }
    held = listened.credentials
    listened.invalidate('ASIAANOTHERONE')
    listened.invalidate(held.access_key_id)
    expect([next_event, next_event]).to eq(%i[refreshed invalidated])
  end

  it 'goes on after its thread was killed' do
    listened = session
    listened.on_change { |event| events << event.type }
    threads_of_ours.each(&:kill).each(&:join)
    listened.credentials
    expect(next_event).to eq(:refreshed)
  end

  it 'shows no secret' do
    listened = session
    listened.on_change { |event| events << event }
    held = listened.credentials
    shown = [next_event, listened.instance_variable_get(:@listeners)].map { |object| [object.inspect, object.to_s].join }.join
    expect(shown).not_to include(held.secret_access_key)
    expect(shown).not_to include(held.session_token)
  end

  it 'needs a block' do
    expect { session.on_change }.to raise_error(ArgumentError, /on_change takes a block/)
  end

  it 'works with a trap handler that invalidates' do
    listened = session
    held = listened.credentials
    listened.on_change { |event| events << event.type }
    before = trap(:USR2) { listened.invalidate(held.access_key_id) }
    Process.kill(:USR2, Process.pid)
    expect(next_event).to eq(:invalidated)
  ensure
    trap(:USR2, before)
  end

  after { ObjectSpace.each_object(aws::Subscription, &:unsubscribe) }

  describe 'in a process of its own' do
    def ruby(code)
      ruby_process("require 'legion/extensions/identity/aws'\nrole = #{MfaUsers::WORKER.dump}\nAws = Legion::Extensions::Identity::Aws\n#{code}",
                   env: local_aws.env_with_keys)
    end

    it 'does not delay its exit' do
      local_aws.rule(service: :sts, action: 'AssumeRole', after: 1, hold: true)
      result = ruby(<<~RUBY)
        session = Aws::Session.new(role_arn: role)
        session.on_change { }
        session.credentials
        session.invalidate(session.credentials.access_key_id)
        session.prefetch
        sleep 0.3 # the thread now waits for a fetch
        at_exit { $stdout.puts Process.clock_gettime(Process::CLOCK_MONOTONIC) }
        at_exit { $stdout.puts 'end' }
      RUBY
      ended = now
      expect(result).to have_attributes(success?: true, stdout: /\Aend\n/, stderr: '')
      expect(ended - result.stdout.lines.last.to_f).to be < 3
    end

    it 'does not survive a fork: the child has no listeners and no thread, and may subscribe its own' do
      result = ruby(<<~RUBY)
        session = Aws::Session.new(role_arn: role)
        told = Queue.new
        subscription = session.on_change { |event| told << [Process.pid, event.type] }
        session.credentials
        told.pop
        child = fork do
          session.refresh!
          sleep 1.1 # forced refreshes are at least a second apart
          puts [Thread.list.size, told.size, subscription.active?].inspect
          session.on_change { |event| told << event.type }
          session.refresh!
          puts [told.pop, told.pop].inspect
        end
        Process.wait(child)
        session.refresh!
        puts [told.pop, told.pop].map { |pid, type| [pid == Process.pid, type] }.inspect, subscription.active?
      RUBY
      expect(result.stderr).to eq('')
      expect(result.stdout.lines.map(&:chomp)).to eq(['[1, 0, false]', '[:invalidated, :refreshed]', '[[true, :invalidated], [true, :refreshed]]', 'true'])
    end
  end
end
