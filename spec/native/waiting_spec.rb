# frozen_string_literal: true

require 'native/support/native_session_process'

# Every example has the local AWS hold its answer back until the example removes the rule, far longer than the example takes.
RSpec.describe 'A thread that waits for AWS', :native_session do
  let!(:hold) { local_aws.rule(action: 'AssumeRole', hold: true) }

  def session(**options)
    with_env(local_aws.env_with_keys) { super }
  end

  # Threads that have begun to wait.
  def waiters(count, &)
    threads = Array.new(count) { Thread.new(&).tap { |thread| thread.report_on_exception = false } }
    local_aws.wait_for_requests(1)
    eventually { threads.all? { |thread| thread.status == 'sleep' } }
    threads
  end

  def waiter(&) = waiters(1, &).first

  def let_go = local_aws.remove_rule(hold)

  # Process time used while nothing but waiting goes on.
  def cpu_seconds(wait)
    before = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
    sleep wait
    Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - before
  end

  def loops(seconds)
    count = 0
    deadline = now + seconds
    count += 1 while now < deadline
    count
  end

  it 'lets the other threads of Ruby go on' do
    shared = session
    alone = loops(0.2)
    waiting = waiters(20) { shared.credentials }
    beside = loops(0.2)
    expect(waiting).to all(be_alive)
    let_go
    expect(waiting.map(&:value)).to all(be_set)
    expect(beside).to be > alone / 5
  end

  it 'uses no processor time' do
    shared = session
    waiting = waiters(20) { shared.credentials }
    expect(cpu_seconds(0.5)).to be < 0.1
    expect(waiting).to all(be_alive)
  end

  %i[credentials identity refresh!].each do |verb|
    it "is freed of #{verb} by Timeout.timeout at once" do
      shared = session
      result, seconds = took { Timeout.timeout(0.1) { shared.public_send(verb) } }
      expect(result).to be_a(Timeout::Error)
      expect(seconds).to be < 1
    end
  end

  it 'is killed at once, and its ensure runs' do
    shared = session
    left = false
    waiting = waiter do
      shared.credentials
    ensure
      left = true
    end
    waiting.kill
    expect(waiting.join(1)).to be(waiting)
    expect(left).to be(true)
  end

  it 'is freed by Thread#raise at once' do
    shared = session
    waiting = waiter { shared.credentials }
    result, seconds = took { waiting.raise(IOError, 'enough') || waiting.value }
    expect(result).to be_a(IOError).and have_attributes(message: 'enough')
    expect(seconds).to be < 1
  end

  it 'is freed by an exception that may come while it blocks' do
    shared = session
    waiting = waiter { Thread.handle_interrupt(IOError => :on_blocking) { shared.credentials } }
    result, seconds = took { waiting.raise(IOError, 'enough') || waiting.value }
    expect(result).to be_a(IOError)
    expect(seconds).to be < 1
  end

  it 'waits on, idle, where exceptions are masked, and gets both the answer and the exception' do
    shared = session
    answer = nil
    waiting = waiter { Thread.handle_interrupt(IOError => :never) { answer = shared.credentials } }
    waiting.raise(IOError, 'late')
    expect(cpu_seconds(0.5)).to be < 0.1
    expect(waiting).to be_alive
    let_go
    expect { waiting.value }.to raise_error(IOError, 'late')
    expect(answer).to be_set
  end

  it 'waits on when it is woken for no reason' do
    shared = session
    waiting = waiter { shared.credentials }
    5.times do
      waiting.wakeup
      sleep 0.01
    end
    expect(waiting).to be_alive
    let_go
    expect(waiting.value).to be_set
    expect(keys_asked_for).to eq(1)
  end

  it 'leaves the request to the others when it is killed' do
    shared = session
    killed, served = waiters(2) { shared.credentials }
    killed.kill.join
    let_go
    expect(served.value).to be_set
    expect(keys_asked_for).to eq(1)
  end

  it 'shares one request with 49 others that ask at once' do
    shared = session
    waiting = waiters(50) { shared.credentials }
    let_go
    expect(waiting.map { |thread| thread.value.access_key_id }.uniq.size).to eq(1)
    expect(keys_asked_for).to eq(1)
  end

  it 'shares the failure of one request with 49 others' do
    local_aws.rule(action: 'AssumeRole', answer: { error: { status: 403, code: 'AccessDenied', message: 'not you' } })
    shared = session
    waiting = waiters(50) { shared.credentials }
    let_go
    failures = waiting.map { |thread| took { thread.value }.first }
    expect(failures).to all(be_a(NativeSession::Aws::AccessDeniedError).and(have_attributes(message: /not you/)))
    expect(failures.map(&:object_id).uniq.size).to eq(50) # an exception of one's own, with a backtrace of one's own
    expect(keys_asked_for).to eq(1)
  end

  it 'is told when the time for all of it is over' do
    hasty = session(resolve_timeout: 0.2)
    result, seconds = took { hasty.credentials }
    expect(result).to be_a(NativeSession::Aws::TimeoutError)
    expect(seconds).to be < 1.2
    let_go
    expect(hasty.credentials).to be_set
  end
end
