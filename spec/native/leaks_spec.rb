# frozen_string_literal: true

require 'native/support/native_session_process'

RSpec.describe 'What a session leaves behind', :native_session do
  it 'is one request, one thread and its descriptors after 400 waits for it were killed' do
    local_aws.rule(action: 'AssumeRole', hold: true)
    said = facts(<<~RUBY)
      waited_for = session
      waited_for.prefetch
      arrived(1)
      before = descriptors
      400.times do
        waiter = Thread.new { waited_for.credentials }
        eventually { waiter.status == 'sleep' }
        waiter.kill.join
      end
      in_flight = fetch_threads
      after = descriptors
      release_requests
      key = waited_for.credentials.access_key_id
      eventually { fetch_threads.zero? }
      tell(leaked: after - before, fetch_threads: in_flight, fetches: waited_for.counters[:fetches], key: key, threads: Thread.list.size)
    RUBY
    expect(said).to match(leaked: 0, fetch_threads: 1, fetches: 1, key: start_with('ASIA'), threads: 1)
    expect(assume_role_requests).to eq(1)
  end

  it 'is nothing after 400 requests whose waiters were killed' do
    local_aws.rule(action: 'AssumeRole', delay_ms: 5)
    said = facts(<<~RUBY)
      session.credentials
      eventually { fetch_threads.zero? }
      before = descriptors
      400.times do
        fetching = session
        waiter = Thread.new { fetching.credentials }
        eventually { fetching.counters[:fetches] == 1 }
        waiter.kill.join
      end
      arrived(401)
      eventually { fetch_threads.zero? }
      tell(leaked: descriptors - before, fetch_threads: fetch_threads)
    RUBY
    expect(said).to eq(leaked: 0, fetch_threads: 0)
    expect(assume_role_requests).to eq(401)
  end

  it 'is the stack of one thread, not of each that has ended', if: RUBY_PLATFORM.include?('linux') do
    said = facts(<<~'RUBY', env: { 'MALLOC_ARENA_MAX' => '1' }) # more of glibc's arenas would count too
      mapped = -> { File.read('/proc/self/status')[/VmSize:\s+(\d+)/, 1].to_i / 1024 }
      ask    = ->(times) { times.times { session.credentials } }
      ask.call(20)
      before = mapped.call
      ask.call(100)
      tell(grown: mapped.call - before)
    RUBY
    expect(said[:grown]).to be < 20 # MiB, where each has 1
  end

  it 'is nothing after 200 requests that failed, over TLS' do
    local_aws.rule(action: 'AssumeRole', answer: 'drop')
    said = facts(<<~RUBY, env: local_aws.env_with_keys(tls: true))
      ask = -> { took { session(resolve_timeout: 0.2).credentials }.first }
      ask.call
      eventually { fetch_threads.zero? }
      before = descriptors
      asked = Array.new(25) { Thread.new { Array.new(8) { ask.call.class.name } } }.flat_map(&:value)
      eventually { fetch_threads.zero? }
      tell(leaked: descriptors - before, outcomes: asked.tally.keys.map { |name| name.split('::').last }, count: asked.size)
    RUBY
    expect(said).to match(leaked: 0, count: 200, outcomes: all(match(/ConnectionError|TimeoutError/)))
  end

  it 'is bounded: of 200 requests at once that AWS does not answer, 128 are made and the others raise an error that says why' do
    local_aws.rule(action: 'AssumeRole', hold: true)
    said = facts(<<~RUBY)
      started = Array.new(200) { took { session.prefetch }.first }
      refused = started.grep(Aws::ConnectionError)
      arrived(128)
      in_flight = fetch_threads
      release_requests
      eventually { fetch_threads.zero? }
      again = session.credentials.access_key_id
      tell(begun: started.count(true), refused: refused.size, said: refused.first.message, fetch_threads: in_flight, again: again)
    RUBY
    expect(said).to match(begun: 128, refused: 72, said: /128.*Share one Session/, fetch_threads: 128, again: start_with('ASIA'))
  end
end
