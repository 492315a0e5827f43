# frozen_string_literal: true

require 'native/support/native_session_process'

# In every example the local AWS holds its answer until the example removes the rule, far longer than the example takes.
RSpec.describe 'A thread that waits for AWS', :native_session do
  let!(:hold) { local_aws.rule(action: 'AssumeRole', hold: true) }

  def session(**options)
    with_env(local_aws.env_with_keys) { super }
  end

  # Threads that are waiting.
  def waiters(count, &)
    threads = Array.new(count) { Thread.new(&).tap { |thread| thread.report_on_exception = false } }
    local_aws.wait_for_requests(1)
    eventually { threads.all? { |thread| thread.status == 'sleep' } }
    threads
  end

  def waiter(&) = waiters(1, &).first

  def release_requests = local_aws.remove_rule(hold)

  # The processor time used while the threads wait.
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
    release_requests
    expect(waiting.map(&:value)).to all(be_set)
    expect(beside).to be > alone / 20
  end

  it 'uses no processor time' do
    shared = session
    waiting = waiters(20) { shared.credentials }
    expect(cpu_seconds(0.5)).to be < 0.1
    expect(waiting).to all(be_alive)
  end

  %i[credentials identity refresh!].each do |verb|
    it "leaves #{verb} at once on Timeout.timeout" do
      shared = session
      result, seconds = took { Timeout.timeout(0.1) { shared.public_send(verb) } }
      expect(result).to be_a(Timeout::Error)
      expect(seconds).to be < 5
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
    expect(waiting.join(5)).to be(waiting)
    expect(left).to be(true)
  end

  it 'leaves at once on Thread#raise' do
    shared = session
    waiting = waiter { shared.credentials }
    result, seconds = took { waiting.raise(IOError, 'enough') || waiting.value }
    expect(result).to be_a(IOError).and have_attributes(message: 'enough')
    expect(seconds).to be < 5
  end

  it 'leaves on an exception that is deferred to blocking calls' do
    shared = session
    waiting = waiter { Thread.handle_interrupt(IOError => :on_blocking) { shared.credentials } }
    result, seconds = took { waiting.raise(IOError, 'enough') || waiting.value }
    expect(result).to be_a(IOError)
    expect(seconds).to be < 5
  end

  it 'waits on without using processor time where exceptions are masked, and gets the answer and the exception' do
    shared = session
    answer = nil
    waiting = waiter { Thread.handle_interrupt(IOError => :never) { answer = shared.credentials } }
    waiting.raise(IOError, 'late')
    expect(cpu_seconds(0.5)).to be < 0.1
    expect(waiting).to be_alive
    release_requests
    expect { waiting.value }.to raise_error(IOError, 'late')
    expect(answer).to be_set
  end

  it 'waits on after a spurious wake-up' do
    shared = session
    waiting = waiter { shared.credentials }
    5.times do
      waiting.wakeup
      sleep 0.01
    end
    expect(waiting).to be_alive
    release_requests
    expect(waiting.value).to be_set
    expect(assume_role_requests).to eq(1)
  end

  it 'leaves the request to the others when it is killed' do
    shared = session
    killed, served = waiters(2) { shared.credentials }
    killed.kill.join
    release_requests
    expect(served.value).to be_set
    expect(assume_role_requests).to eq(1)
  end

  it 'shares one request with 49 others that read at once' do
    shared = session
    waiting = waiters(50) { shared.credentials }
    release_requests
    expect(waiting.map { |thread| thread.value.access_key_id }.uniq.size).to eq(1)
    expect(assume_role_requests).to eq(1)
  end

  it 'shares the failure of one request with 49 others' do
    local_aws.rule(action: 'AssumeRole', answer: { error: { status: 403, code: 'AccessDenied', message: 'not you' } })
    shared = session
    waiting = waiters(50) { shared.credentials }
    release_requests
    failures = waiting.map { |thread| took { thread.value }.first }
    expect(failures).to all(be_a(NativeSession::Aws::AccessDeniedError).and(have_attributes(message: /not you/)))
    expect(failures.map(&:object_id).uniq.size).to eq(50) # each thread has an exception and a backtrace of its own
    expect(assume_role_requests).to eq(1)
  end

  it 'gets a TimeoutError after resolve_timeout' do
    brief = session(resolve_timeout: 1)
    result, seconds = took { brief.credentials }
    expect(result).to be_a(NativeSession::Aws::TimeoutError)
    expect(seconds).to be_between(0.9, 5)
    release_requests
    expect(brief.credentials).to be_set
  end
end
