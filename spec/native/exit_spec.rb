# frozen_string_literal: true

require 'native/support/native_session_process'

RSpec.describe 'A process that ends while a request to AWS is under way', :native_session do
  endings = {
    'at the end of the program'                          => ['', 0],
    'at the end of the program, and five threads wait'   => ['5.times { Thread.new { flying.credentials } }; sleep 0.05', 0],
    'with exit'                                          => ['exit 3', 3],
    'with exit in a thread, while the main thread waits' => [<<~RUBY, 3],
      main = Thread.current
      Thread.new do
        eventually { main.status == 'sleep' }
        exit 3
      end
      flying.credentials
    RUBY
    'with a request that an at_exit block starts'        => ['at_exit { session.tap(&:prefetch) && arrived(2) }', 0],
    'with an at_exit block that is freed of a wait'      => ['at_exit { took { Timeout.timeout(0.05) { flying.credentials } } }', 0],
    'and its session, too, has been forgotten'           => ['flying = nil; GC.start', 0]
  }

  { 'http' => false, 'https' => true }.each do |scheme, tls|
    endings.each do |how, (code, status)|
      it "does not wait for it: #{how} (#{scheme})" do
        local_aws.rule(action: 'AssumeRole', hold: true)
        result = ruby_process(script(<<~RUBY), env: script_env(tls: tls))
          flying = session
          flying.prefetch
          arrived(1)
          at_exit { tell(at: now) }
          #{code}
        RUBY
        expect(result.status.exitstatus).to eq(status), result.output
        expect(result.stderr).to be_empty
        expect(now - JSON.parse(result.stdout)['at']).to be < 1
      end
    end
  end

  it 'does not wait for it: with exit!, which runs no at_exit block' do
    local_aws.rule(action: 'AssumeRole', hold: true)
    result = ruby_process(script('flying = session; flying.prefetch; arrived(1); tell(at: now); exit! 3'), env: script_env)
    expect(result.status.exitstatus).to eq(3)
    expect(now - JSON.parse(result.stdout)['at']).to be < 1
  end

  it 'may wait for it in an at_exit block' do
    local_aws.rule(action: 'AssumeRole', delay_ms: 100)
    said = facts('at_exit { tell(key: $flying.credentials.access_key_id) }; $flying = session; $flying.prefetch')
    expect(said[:key]).to start_with('ASIA')
    expect(keys_asked_for).to eq(1)
  end

  it 'ends in good order at whatever moment of the request' do
    # Children of one process, which itself has made no request: each starts as if it had just loaded the library.
    said = facts(<<~RUBY, env: local_aws.env_with_keys(tls: true), timeout: 50)
      children = Array.new(150) do |number|
        in_child do
          2.times { session.prefetch }
          sleep(number * 0.00005)
        end
      end
      tell(codes: children.map(&:code).tally, slowest: children.map(&:exit_seconds).max)
    RUBY
    expect(said).to match(codes: { '0': 150 }, slowest: be < 1)
  end
end
