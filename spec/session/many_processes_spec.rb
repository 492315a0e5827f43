# frozen_string_literal: true

require 'session/support/mfa_users'
require 'tmpdir'

# One process of a machine fetches; if it is killed, another one does.
RSpec.describe 'Many processes with the cache on', :mfa_users, timeout: 180 do
  around do |example|
    Dir.mktmpdir do |folder|
      @folder = folder
      example.run
    end
  end

  # Waits for a line from the spec, then reads, and prints the key id and the time.
  def reader(**options)
    <<~RUBY
      require 'legion/extensions/identity/aws'
      session = Legion::Extensions::Identity::Aws::Session.new(role_arn: #{MfaUsers::WORKER.dump}, cache: #{@folder.dump}, role_session_name: 'shared', **#{options})
      $stdout.sync = true
      puts 'ready'
      $stdin.gets
      puts "key \#{session.credentials.access_key_id}"
    RUBY
  end

  # Forks this many waiting processes, since loading Ruby 64 times takes long. They share the cache folder only.
  def crowd(count, **options)
    <<~RUBY
      require 'legion/extensions/identity/aws'
      door, latch = IO.pipe
      out, back = IO.pipe
      pids = Array.new(#{count}) do
        fork do
          latch.close
          session = Legion::Extensions::Identity::Aws::Session.new(role_arn: #{MfaUsers::WORKER.dump}, cache: #{@folder.dump}, role_session_name: 'shared', **#{options})
          door.read
          began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
          key = begin
            session.credentials.access_key_id
          rescue StandardError => e
            e.class
          end
          back.puts "\#{key} \#{(Process.clock_gettime(Process::CLOCK_MONOTONIC) - began).round(3)}"
        end
      end
      back.close
      $stdout.sync = true
      puts 'ready'
      $stdin.gets
      latch.close
      print out.read
      pids.each { |pid| Process.wait(pid) }
    RUBY
  end

  # The results of all processes: key ids, and the seconds each took.
  def answers(ruby)
    ruby.tell('open')
    ruby.finish(timeout: 60).stdout.lines.drop(1).map(&:split).transpose
  end

  def keys_given = asked_of_sts('AssumeRole').map { |request| request[:issued] }.compact

  it 'makes one request for 64 processes that start at once' do
    local_aws.rule(service: :sts, action: 'AssumeRole', delay_ms: 300)
    start_ruby(crowd(64, resolve_timeout: 20), env: local_aws.env_with_keys) do |ruby|
      ruby.wait_for(/ready/, timeout: 60)
      keys, = answers(ruby)
      expect(keys.tally).to eq(keys_given.first => 64)
      expect(asked_of_sts('AssumeRole').size).to eq(1)
    end
  end

  # The first request is held: its process is the one that holds the lock.
  def holding(code)
    local_aws.rule(service: :sts, action: 'AssumeRole', times: 1, hold: true)
    start_ruby(code, env: local_aws.env_with_keys) do |holder|
      holder.wait_for(/ready/)
      holder.tell('open')
      local_aws.wait_for_requests(1, service: :sts, action: 'AssumeRole')
      yield holder
    end
  end

  it 'lets another process fetch when the one that fetches is killed' do
    holding(reader(resolve_timeout: 50, read_timeout: 50)) do |holder|
      start_ruby(crowd(16, resolve_timeout: 40), env: local_aws.env_with_keys) do |ruby|
        ruby.wait_for(/ready/, timeout: 60)
        ruby.tell('open')
        sleep 0.3 # the others wait for the lock
        Process.kill(:KILL, holder.pid)
        keys, seconds = ruby.finish(timeout: 60).stdout.lines.drop(1).map(&:split).transpose
        expect(keys.tally).to eq(keys_given.last => 16)
        expect(seconds.map(&:to_f).max).to be < 15 # half of the time is for waiting for the lock
        expect(asked_of_sts('AssumeRole').size).to eq(2)
      end
    end
  end

  it 'lets another process fetch when the one that fetches is killed and its forked child still has the lock' do
    forking = "Thread.new { session.credentials }\n$stdin.gets\nfork { sleep }\nputs 'forked'\n"
    forked = reader(resolve_timeout: 50, read_timeout: 50).sub('puts "key') { |reading| forking + reading }
    holding(forked) do |holder|
      holder.tell('fork')
      holder.wait_for(/forked/)
      start_ruby(crowd(16, resolve_timeout: 8), env: local_aws.env_with_keys) do |ruby|
        ruby.wait_for(/ready/, timeout: 60)
        ruby.tell('open')
        sleep 0.3
        Process.kill(:KILL, holder.pid)
        keys, seconds = ruby.finish(timeout: 60).stdout.lines.drop(1).map(&:split).transpose
        expect(keys).to all(start_with('ASIA'))
        # Half of the time is for waiting, the other half for a request of its own.
        expect(seconds.map(&:to_f).max).to be_between(3, 8)
      end
    end
  end

  it 'lets each process keep the shared credentials it has read' do
    start_ruby(crowd(8), env: local_aws.env_with_keys) do |ruby|
      ruby.wait_for(/ready/, timeout: 60)
      answers(ruby)
    end
    with_env(local_aws.env_with_keys) do
      session = MfaUsers::Aws::Session.new(role_arn: MfaUsers::WORKER, cache: @folder, role_session_name: 'shared')
      expect(session.credentials.access_key_id).to eq(keys_given.first)
      expect(session.attempts.map { |attempt| attempt[:source] }).to include('cache')
      expect(asked_of_sts('AssumeRole').size).to eq(1)
    end
  end
end
