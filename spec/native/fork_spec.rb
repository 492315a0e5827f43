# frozen_string_literal: true

require 'native/support/native_session_process'

# The rule `times: 1, hold: true` holds the parent's request and lets the child's pass.
RSpec.describe 'A fork', :native_session do
  def hold(**which) = local_aws.rule(action: 'AssumeRole', hold: true, **which)

  # A child that exited with status 0, without waiting.
  def expect_clean_exit(said)
    expect(said).to include(code: 0, exit_seconds: be < 1)
  end

  it 'before the first request leaves parent and child with a request each' do
    said = facts(<<~RUBY)
      mine = session
      child = in_child { mine.credentials.access_key_id }
      tell(child: child.said, parent: mine.credentials.access_key_id, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said.values_at(:child, :parent)).to all(start_with('ASIA')).and(satisfy { |keys| keys.uniq.size == 2 })
    expect_clean_exit(said)
  end

  it 'after a request leaves both with the same credentials, and the child makes no request' do
    said = facts(<<~RUBY)
      mine = session
      key  = mine.credentials.access_key_id
      arn  = mine.identity.arn
      child = in_child { [mine.credentials.access_key_id == key, mine.identity.arn == arn, mine.counters[:fetches]] }
      tell(child: child.said, parent: mine.credentials.access_key_id == key, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said).to include(child: [true, true, 2], parent: true)
    expect(local_aws.requests.size).to eq(2)
    expect_clean_exit(said)
  end

  it 'after a request lets parent and child refresh separately' do
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
    expect_clean_exit(said)
  end

  it 'during a request leaves the request to the parent, and the child makes its own' do
    hold(times: 1)
    said = facts(<<~RUBY)
      mine   = session
      waiter = Thread.new { mine.credentials.access_key_id }
      arrived(1)
      child = in_child { [fetch_threads, mine.credentials.access_key_id] }
      release_requests
      tell(child: child.said, parent: waiter.value, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said).to include(child: [0, start_with('ASIA')], parent: start_with('ASIA'))
    expect(said[:child].last).not_to eq(said[:parent])
    expect(assume_role_requests).to eq(2)
    expect_clean_exit(said)
  end

  it 'from one thread, while the main thread waits, does the same' do
    hold(times: 1)
    said = facts(<<~RUBY)
      mine  = session
      forks = Thread.new do
        arrived(1)
        in_child { mine.credentials.access_key_id }.tap { release_requests }
      end
      parent = mine.credentials.access_key_id
      tell(child: forks.value.said, parent: parent, **forks.value.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said.values_at(:child, :parent)).to all(start_with('ASIA')).and(satisfy { |keys| keys.uniq.size == 2 })
    expect_clean_exit(said)
  end

  it 'after a fetch completed and before a read applied it leaves the child with its credentials' do
    said = facts(<<~RUBY)
      mine = session
      mine.prefetch
      arrived(1)
      eventually { fetch_threads.zero? }
      child = in_child { mine.credentials.access_key_id }
      tell(child: child.said, parent: mine.credentials.access_key_id, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said[:child]).to eq(said[:parent]).and start_with('ASIA')
    expect(assume_role_requests).to eq(1)
    expect_clean_exit(said)
  end

  it 'during requests lets a child that makes none collect the sessions and exit' do
    hold
    said = facts(<<~RUBY)
      fetching = Array.new(20) { session.tap(&:prefetch) }
      arrived(20)
      child = in_child do
        collection = -> { took { 3.times { GC.start } }.last }
        of_others = collection.call
        fetching.clear
        of_sessions = collection.call
        [ObjectSpace.each_object(Aws::Session).count, of_sessions < [1, 5 * of_others].max]
      end
      tell(child: child.said, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said[:child]).to match([be < 5, true]) # Ruby's collector sometimes takes an old stack slot for a reference
    expect_clean_exit(said)
  end

  it 'lets a child exit during a request of its own' do
    hold
    said = facts(<<~RUBY)
      mine = session
      child = in_child { mine.prefetch.tap { arrived(1) } }
      tell(child: child.said, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said[:child]).to be(true)
    expect_clean_exit(said)
  end

  it 'may be followed by further forks in the child, each during a request' do
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
    expect_clean_exit(said)
  end

  it 'lets 20 threads of a child share one request' do
    hold(times: 1)
    said = facts(<<~RUBY)
      mine = session
      mine.prefetch
      arrived(1)
      child = in_child { Array.new(20) { Thread.new { mine.credentials.access_key_id } }.map(&:value).uniq.size }
      tell(child: child.said, **child.to_h.slice(:code, :exit_seconds))
    RUBY
    expect(said[:child]).to eq(1)
    expect(assume_role_requests).to eq(2)
    expect_clean_exit(said)
  end

  it 'in a signal handler during a wait lets both return to the wait, and the child makes its own request' do
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
        release_requests
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
    expect(assume_role_requests).to eq(2)
  end

  it 'by Process.daemon during a request leaves the daemon with the held credentials, and it makes its own request' do
    hold(after: 1, times: 1)
    said = facts(<<~RUBY)
      held, fetching = session, session
      key = held.credentials.access_key_id
      fetching.prefetch
      arrived(2)
      before = Process.pid
      Process.daemon(true, true)
      tell(moved: Process.pid != before, held: held.credentials.access_key_id == key, fetched: fetching.credentials.access_key_id)
    RUBY
    expect(said).to match(moved: true, held: true, fetched: start_with('ASIA'))
    expect(assume_role_requests).to eq(3)
  end

  # Under valgrind a program inherits valgrind's log file.
  it 'for a program is not delayed by a request, and the program inherits none of its descriptors', :not_under_valgrind do
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
