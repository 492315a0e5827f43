# frozen_string_literal: true

require 'native/support/native_session_process'

# The rule `times: 1, hold: true` holds the parent's request back and lets the child's pass.
RSpec.describe 'A fork', :native_session do
  def hold(**which) = local_aws.rule(action: 'AssumeRole', hold: true, **which)

  # A child that worked, and then ended as any other.
  def expect_good_end(said)
    expect(said).to include(code: 0, exit_seconds: be < 1)
  end

  it 'before the first request leaves both with one of their own' do
    said = facts(<<~RUBY)
      mine = session
      child = in_child { mine.credentials.access_key_id }
      tell(child: child.said, parent: mine.credentials.access_key_id, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said.values_at(:child, :parent)).to all(start_with('ASIA')).and(satisfy { |keys| keys.uniq.size == 2 })
    expect_good_end(said)
  end

  it 'after a request leaves both with the same set, and the child asks for nothing' do
    said = facts(<<~RUBY)
      mine = session
      key  = mine.credentials.access_key_id
      arn  = mine.identity.arn
      child = in_child { [mine.credentials.access_key_id == key, mine.identity.arn == arn, mine.counters[:fetches]] }
      tell(child: child.said, parent: mine.credentials.access_key_id == key, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said).to include(child: [true, true, 2], parent: true)
    expect(local_aws.requests.size).to eq(2)
    expect_good_end(said)
  end

  it 'after a request lets both refresh, each for itself' do
    said = facts(<<~RUBY)
      mine = session
      key  = mine.credentials.access_key_id
      child = in_child { mine.refresh!.access_key_id }
      tell(keys: [key, child.said, mine.credentials.access_key_id], **child.to_h.slice(:code, :exit_seconds))
    RUBY
    first, child, parent = said[:keys]
    expect(child).to start_with('ASIA')
    expect(child).not_to eq(first)
    expect(parent).to eq(first)
    expect_good_end(said)
  end

  it 'during a request leaves it to the parent, and the child makes its own' do
    hold(times: 1)
    said = facts(<<~RUBY)
      mine   = session
      waiter = Thread.new { mine.credentials.access_key_id }
      arrived(1)
      child = in_child { [fetch_threads, mine.credentials.access_key_id] }
      let_go
      tell(child: child.said, parent: waiter.value, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said).to include(child: [0, start_with('ASIA')], parent: start_with('ASIA'))
    expect(said[:child].last).not_to eq(said[:parent])
    expect(keys_asked_for).to eq(2)
    expect_good_end(said)
  end

  it 'from one thread, while the main thread waits, is no different' do
    hold(times: 1)
    said = facts(<<~RUBY)
      mine  = session
      forks = Thread.new do
        arrived(1)
        in_child { mine.credentials.access_key_id }.tap { let_go }
      end
      parent = mine.credentials.access_key_id
      tell(child: forks.value.said, parent: parent, **forks.value.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said.values_at(:child, :parent)).to all(start_with('ASIA')).and(satisfy { |keys| keys.uniq.size == 2 })
    expect_good_end(said)
  end

  it 'after the answer came, and before anyone looked at it, leaves the child with the answer' do
    said = facts(<<~RUBY)
      mine = session
      mine.prefetch
      arrived(1)
      eventually { fetch_threads.zero? }
      child = in_child { mine.credentials.access_key_id }
      tell(child: child.said, parent: mine.credentials.access_key_id, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said[:child]).to eq(said[:parent]).and start_with('ASIA')
    expect(keys_asked_for).to eq(1)
    expect_good_end(said)
  end

  it 'during requests leaves a child that asks for nothing free to collect the sessions and to end' do
    hold
    said = facts(<<~RUBY)
      flying = Array.new(20) { session.tap(&:prefetch) }
      arrived(20)
      child = in_child do
        flying.clear
        seconds = took { 3.times { GC.start } }.last
        [ObjectSpace.each_object(Aws::Session).count, seconds]
      end
      tell(child: child.said, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said[:child]).to match([be < 5, be < 1]) # Ruby's collector takes an old stack slot for a reference now and then
    expect_good_end(said)
  end

  it 'leaves a child free to end during a request of its own' do
    hold
    said = facts(<<~RUBY)
      mine = session
      child = in_child { mine.prefetch.tap { arrived(1) } }
      tell(child: child.said, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said[:child]).to be(true)
    expect_good_end(said)
  end

  it 'may be followed by another and another, each during a request' do
    said = facts(<<~RUBY)
      mine = session
      mine.prefetch
      child = in_child do
        mine.prefetch
        second = in_child do
          mine.prefetch
          third = in_child { mine.credentials.access_key_id }
          [mine.credentials.access_key_id, third.said, third.code]
        end
        [mine.credentials.access_key_id, second.said, second.code]
      end
      tell(said: [mine.credentials.access_key_id, child.said, child.code].flatten, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    keys, codes = said[:said].partition { |value| value.is_a?(String) }
    expect(keys).to all(start_with('ASIA')).and(satisfy { |four| four.size == 4 })
    expect(codes).to eq([0, 0, 0])
    expect_good_end(said)
  end

  it 'gives a child whose 20 threads ask at once one request, as in any process' do
    hold(times: 1)
    said = facts(<<~RUBY)
      mine = session
      mine.prefetch
      arrived(1)
      child = in_child { Array.new(20) { Thread.new { mine.credentials.access_key_id } }.map(&:value).uniq.size }
      tell(child: child.said, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said[:child]).to eq(1)
    expect(keys_asked_for).to eq(2)
    expect_good_end(said)
  end

  it 'in a signal handler during a wait has both come back into the wait, and the child makes its own request' do
    hold(times: 1)
    said = facts(<<~RUBY)
      parent, mine = Process.pid, session
      out, back = IO.pipe
      child = nil
      trap(:USR1) { child = fork }
      Thread.new do
        arrived(1)
        Process.kill(:USR1, parent)
        arrived(2)
        let_go
      end
      key = mine.credentials.access_key_id
      if Process.pid == parent
        Process.wait(child)
        tell(parent: key, child: out.gets, code: Process.last_status.exitstatus)
      else
        back.puts(key)
      end
    RUBY
    expect(said).to match(parent: start_with('ASIA'), child: start_with('ASIA'), code: 0)
    expect(said[:child].chomp).not_to eq(said[:parent])
    expect(keys_asked_for).to eq(2)
  end

  it 'by Process.daemon during a request leaves the daemon with what was held, and it makes its own' do
    hold(after: 1, times: 1)
    said = facts(<<~RUBY)
      held, flying = session, session
      key = held.credentials.access_key_id
      flying.prefetch
      arrived(2)
      before = Process.pid
      Process.daemon(true, true)
      tell(moved: Process.pid != before, held: held.credentials.access_key_id == key, flown: flying.credentials.access_key_id)
    RUBY
    expect(said).to match(moved: true, held: true, flown: start_with('ASIA'))
    expect(keys_asked_for).to eq(3)
  end

  # Under valgrind a program inherits valgrind's log.
  it 'for a program is not held up by a request, and the program inherits none of its descriptors', :not_under_valgrind do
    hold
    said = facts(<<~RUBY)
      mine = session
      before = `ls /dev/fd`
      mine.prefetch
      arrived(1)
      seconds = Array.new(20) { [took { system('true') }.last, took { `true` }.last] }
      tell(median: seconds.flatten.sort[20], inherited: `ls /dev/fd`.split - before.split)
    RUBY
    expect(said).to match(median: be < 0.1, inherited: [])
  end
end
