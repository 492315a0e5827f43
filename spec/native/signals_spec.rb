# frozen_string_literal: true

require 'native/support/native_session_process'

RSpec.describe 'A signal during a wait for AWS', :native_session do
  # How the process exited, and how long after the signal. Its wait would last 50 s.
  def ended_by(ruby, name)
    sent = now
    ruby.signal(name)
    [ruby.finish, now - sent]
  end

  it 'ends the program at once when it is Ctrl-C' do
    waiting_ruby('session.credentials') do |ruby|
      result, seconds = ended_by(ruby, :INT)
      expect(result.status.termsig).to eq(Signal.list['INT'])
      expect(result.stderr).to include('Interrupt')
      expect(seconds).to be < 5
    end
  end

  it 'ends the program at once when a thread waits and the program waits for the thread' do
    waiting_ruby('Thread.new { session.credentials }.join') do |ruby|
      result, seconds = ended_by(ruby, :INT)
      expect(result.status.termsig).to eq(Signal.list['INT'])
      expect(seconds).to be < 5
    end
  end

  # Ruby before 3.3 interrupts a C extension's wait for a signal only where no other thread exists.
  {
    'sleeps'             => 'sleep',
    'reads from a pipe'  => 'IO.pipe.first.read',
    'computes'           => 'loop {}',
    'waits for AWS, too' => 'session.credentials'
  }.each do |how, code|
    it "ends the program at once when it is Ctrl-C, and another thread #{how}" do
      waiting_ruby("Thread.new { #{code} }\nsession.credentials") do |ruby|
        result, seconds = ended_by(ruby, :INT)
        expect(result.status.termsig).to eq(Signal.list['INT'])
        expect(seconds).to be < 5
      end
    end
  end

  it 'can be rescued when it is Ctrl-C' do
    waiting_ruby(<<~RUBY) do |ruby|
      begin
        session.credentials
      rescue Interrupt
        exit 42
      end
    RUBY
      result, seconds = ended_by(ruby, :INT)
      expect(result.status.exitstatus).to eq(42)
      expect(result.stderr).to be_empty
      expect(seconds).to be < 5
    end
  end

  it 'ends the program at once when it is SIGTERM' do
    waiting_ruby('session.credentials') do |ruby|
      result, seconds = ended_by(ruby, :TERM)
      expect(result.status.termsig).to eq(Signal.list['TERM'])
      expect(seconds).to be < 5
    end
  end

  it 'ends the wait when its handler raises' do
    waiting_ruby(<<~RUBY) do |ruby|
      trap(:USR1) { raise IOError, 'from the handler' }
      tell(raised: took { session.credentials }.first.message)
    RUBY
      result, seconds = ended_by(ruby, :USR1)
      expect(result.stdout).to include('from the handler')
      expect(seconds).to be < 5
    end
  end

  it 'does not end the wait when its handler returns, and causes no second request' do
    waiting_ruby(<<~RUBY) do |ruby, release_requests|
      trap(:USR1) { $stdout.syswrite("handled\n") }
      tell(key: session.credentials.access_key_id)
    RUBY
      1.upto(5) do |count|
        ruby.signal(:USR1)
        ruby.wait_for(/(handled\n){#{count}}/)
      end
      expect(ruby.stdout).not_to include('key')
      release_requests.call
      expect(ruby.finish.stdout).to match(/"key":"ASIA\w+"/)
      expect(assume_role_requests).to eq(1)
    end
  end

  it 'may have a handler that reads the held credentials' do
    waiting_ruby(<<~RUBY) do |ruby, release_requests|
      mine = session
      trap(:USR1) { $stdout.syswrite([mine.credentials(fetch: false), mine.needs_refresh?, mine.counters[:fetches]].inspect) }
      tell(key: mine.credentials.access_key_id)
    RUBY
      ruby.signal(:USR1)
      ruby.wait_for(/\[nil, true, 1\]/)
      release_requests.call
      expect(ruby.finish.stdout).to match(/"key":"ASIA\w+"/)
    end
  end

  it 'may have a handler that waits for the same request' do
    waiting_ruby(<<~RUBY) do |ruby, release_requests|
      mine = session
      trap(:USR1) do
        $stdout.syswrite("handling\n")
        $inner = mine.credentials.access_key_id
      end
      outer = mine.credentials.access_key_id
      tell(same: outer == $inner)
    RUBY
      ruby.signal(:USR1)
      ruby.wait_for(/handling/)
      sleep 0.05 # until the second wait, inside the first, has begun
      release_requests.call
      expect(ruby.finish.stdout).to include('"same":true')
      expect(assume_role_requests).to eq(1)
    end
  end
end
