# frozen_string_literal: true

require 'json'
require 'socket'
require 'timeout'
require 'legion/extensions/identity/aws'

# What the seam specs have in common with the scripts they run in processes of their own: a script starts by requiring this file
# and including the module.
module NativeSession
  Aws = Legion::Extensions::Identity::Aws

  # Far more time than an example takes: a wait that ends sooner was ended by something else.
  PATIENT = { role_arn: 'arn:aws:iam::123456789012:role/legion-worker', resolve_timeout: 50, connect_timeout: 50, read_timeout: 50 }.freeze

  # How a forked child ended, and what its block returned (String keys, as JSON has them).
  Child = Struct.new(:said, :code, :exit_seconds)

  # A session whose credentials cost one AssumeRole.
  def session(**options)
    Aws::Session.new(**PATIENT, **options)
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

  # Waits for what other threads bring about.
  def eventually(limit = 10)
    deadline = now + limit
    until yield
      raise "not within #{limit} s" if now > deadline

      sleep 0.002
    end
  end

  # Open descriptors of this process, but for the one that reads the list.
  def descriptors
    Dir.children('/dev/fd').size - 1
  end

  # Native threads of this process that fly, or look up a name for one that does. The kernel knows them by name; Ruby does not know
  # them at all.
  def fetch_threads
    Dir.glob('/proc/self/task/*/comm').count do |file|
      File.read(file).start_with?('aws-identity', 'tokio')
    rescue SystemCallError
      false # it has just ended
    end
  end

  # Runs the block in a forked child, which then ends as a Ruby process does that comes to the end of its program.
  def in_child(limit = 10, &)
    out, back = IO.pipe
    pid = fork do
      out.close
      said, = took(&)
      said = "#{said.class}: #{said.message}" if said.is_a?(Exception)
      back.write(JSON.generate([said, now]))
      back.close
    end
    back.close
    ended(pid, out, limit)
  end

  # The local AWS has so many requests, answered or not.
  def arrived(count)
    control("GET /_control/requests?wait=#{count}&timeout_ms=10000")
  end

  # It answers what it held back.
  def let_go
    control('DELETE /_control/rules')
  end

  # What a script has to say to its spec.
  def tell(**facts)
    $stdout.puts JSON.generate(facts)
    $stdout.flush
  end

  private

  def ended(pid, out, limit)
    text = Timeout.timeout(limit) { out.read }
    Timeout.timeout(limit) { Process.wait(pid) }
    said, finished = JSON.parse(text)
    Child.new(said, Process.last_status.exitstatus, now - finished)
  rescue Timeout::Error
    Process.kill(:KILL, pid)
    Process.wait(pid)
    Child.new("hung after #{text.inspect}")
  ensure
    out.close
  end

  # Without Net::HTTP, whose loading takes longer than most scripts do.
  def control(request)
    socket = TCPSocket.new('127.0.0.1', ENV.fetch('LOCAL_AWS_PORT'))
    socket.write("#{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    status = socket.gets
    raise "#{request}: #{status}" unless status.include?(' 200 ')
  ensure
    socket&.close
  end
end
