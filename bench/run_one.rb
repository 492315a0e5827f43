# frozen_string_literal: true

# Runs in a fresh Ruby, one contestant and one probe each:
#
#   ruby bench/run_one.rb CONTESTANT RUN_ONE
#
# It loads nothing else and prints plain lines, since what it loaded would be there already when the contestant asks for it.
module RunOne
  module_function

  def say(key, value) = puts("#{key}\t#{value}")

  # Says the milliseconds the block took, or what it raised (up to where Ruby shows an object), and returns its result.
  def time(key, &)
    result, milliseconds = took(&)
    result.is_a?(Exception) ? say("#{key}!", "#{result.class}: #{result.message[/\A[^#\n]*/]}") : say(key, milliseconds)
    result
  end

  # Says what one call costs when it is made again and again, in microseconds. A block that makes many hides the clock's own cost.
  def each_of(key, calls_a_block: 1)
    calls = 0
    _, milliseconds = took do
      started = now
      while now - started < 0.25
        yield
        calls += calls_a_block
      end
    end
    say(key, milliseconds * 1000 / calls)
  end

  # What the block returned or raised, and its milliseconds: without those in which this thread could have run and the system
  # let others run, so that a busy machine does not count.
  def took
    started = now
    already = held_up
    result = begin
      yield
    rescue StandardError, ScriptError => e
      e
    end
    [result, (now - started - (held_up - already)) * 1000]
  end

  # Linux tells, in nanoseconds; elsewhere the medians have to do.
  def held_up
    File.read('/proc/thread-self/schedstat').split[1].to_i / 1_000_000_000.0
  rescue SystemCallError
    0.0
  end

  # Says the resident memory of this process in MiB, and, where the system tells, how much of it no other process shares.
  def memory(moment)
    status = File.exist?('/proc/self/status') ? File.read('/proc/self/status') : ''
    say("memory_#{moment}", (status[/VmRSS:\s+(\d+)/, 1] || `ps -o rss= -p #{Process.pid}`).to_i / 1024.0)
    say("memory_own_#{moment}", status[/RssAnon:\s+(\d+)/, 1].to_i / 1024.0) if status.include?('RssAnon')
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

contestant, probe = ARGV
$stdout.sync = true
require_relative "contestants/#{contestant}"
require_relative "probes/#{probe}"
