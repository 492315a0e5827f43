# frozen_string_literal: true

require 'json'
require 'socket'
require 'timeout'
require_relative '../../support/slowdown'
require 'legion/extensions/identity/aws'

# Methods for the native specs and for the scripts they run in child processes: a script requires this file and includes the
# module.
module NativeSession
  Aws = Legion::Extensions::Identity::Aws

  # Far longer than an example takes: a wait that ends sooner was interrupted.
  LONG_TIMEOUTS = { role_arn: 'arn:aws:iam::123456789012:role/legion-worker', resolve_timeout: 50, connect_timeout: 50, read_timeout: 50 }.freeze

  # The exit of a forked child, and what its block returned (String keys, as JSON has them).
  Child = Struct.new(:said, :code, :exit_seconds)

  # A session whose credentials cost one AssumeRole.
  def session(**options)
    Aws::Session.new(**LONG_TIMEOUTS, **options)
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  # What the block returned or raised, and the seconds it took.
  def took
    started = now
    result = begin
      yield
    rescue Exception => e # rubocop:disable Lint/RescueException -- a kill or an interrupt is a result here
      e
    end
    [result, now - started]
  end

  # Waits until the block, which other threads influence, returns true.
  def eventually(limit = 10 * Slowdown::FACTOR)
    deadline = now + limit
    until yield
      raise "not within #{limit} s" if now > deadline

      sleep 0.002
    end
  end

  # The number of open descriptors, without the one that reads the list.
  def descriptors
    Dir.children('/dev/fd').size - 1
  end

  # The number of native threads of fetch tasks and their name look-ups, by the kernel's list: Ruby does not know these threads.
  def fetch_threads
    Dir.glob('/proc/self/task/*/comm').count do |file|
      File.read(file).start_with?('aws-identity', 'tokio')
    rescue SystemCallError
      false # it has just exited
    end
  end

  # Runs the block in a forked child, which then exits as at the end of a program.
  def in_child(limit = 10 * Slowdown::FACTOR, &)
    out, back = IO.pipe
    start = now
    pid = fork do
      out.close
      said, = took(&)
      said = "#{said.class}: #{said.message}" if said.is_a?(Exception)
      back.write(JSON.generate([said, now]))
      back.close
    end
    back.close
    ended(pid, out, limit, now - start)
  end

  # Waits until the local AWS has this many requests, answered or not.
  def arrived(count)
    control("GET /_control/requests?wait=#{count}&timeout_ms=#{10_000 * Slowdown::FACTOR}")
  end

  # Answers the requests that a rule holds.
  def release_requests
    control('DELETE /_control/rules')
  end

  # Prints the facts for the spec that started the script.
  def tell(**facts)
    $stdout.puts JSON.generate(facts)
    $stdout.flush
  end

  private

  def ended(pid, out, limit, fork_seconds)
    text = Timeout.timeout(limit) { out.read }
    Timeout.timeout(limit) { Process.wait(pid) }
    said, finished = JSON.parse(text)
    Child.new(said, Process.last_status.exitstatus, now - finished)
  rescue Timeout::Error
    where = threads_of(pid)
    Process.kill(:KILL, pid)
    Process.wait(pid)
    Child.new("hung after #{text.inspect}, where the fork took #{fork_seconds.round(3)} s; its threads: #{where}")
  ensure
    out.close
  end

  # The name, the state and the system call of each thread, on Linux: a child that hangs is seldom seen twice.
  def threads_of(pid)
    Dir.glob("/proc/#{pid}/task/*").map do |thread|
      [File.read("#{thread}/comm").chomp, File.read("#{thread}/stat")[/\) (\w)/, 1], File.read("#{thread}/syscall").chomp].join(' ')
    rescue SystemCallError => e
      e.message
    end
  end

  # Without Net::HTTP, which takes longer to load than most scripts to run.
  def control(request)
    socket = TCPSocket.new('127.0.0.1', ENV.fetch('LOCAL_AWS_PORT'))
    socket.write("#{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    status = socket.gets
    raise "#{request}: #{status}" unless status.include?(' 200 ')
  ensure
    socket&.close
  end
end
