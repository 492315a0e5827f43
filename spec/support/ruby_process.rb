# frozen_string_literal: true

require 'rbconfig'
require 'timeout'
require_relative 'slowdown'

# A new Ruby process with the gem on its load path, to test signals, forks, exits and output.
#
#   result = ruby_process('puts Process.pid')          runs it
#   start_ruby('sleep') { |ruby| ruby.signal(:INT) }   talks with it while it runs; ended for sure after the block
class RubyProcess
  Result = Struct.new(:stdout, :stderr, :status, :seconds, keyword_init: true) do
    def success? = status.success?
    def output = stdout + stderr
  end

  class Hung < StandardError; end

  LIB = File.expand_path('../../lib', __dir__)

  module Helper
    # env is merged into the current ENV; nil removes an entry.
    def ruby_process(code, env: {}, timeout: 20, arguments: [])
      start_ruby(code, env: env, arguments: arguments) { |ruby| ruby.finish(timeout: timeout) }
    end

    def start_ruby(code, env: {}, arguments: [])
      ruby = RubyProcess.new(code, env: env, arguments: arguments)
      yield ruby
    ensure
      ruby&.kill
    end
  end

  attr_reader :pid

  def initialize(code, env: {}, arguments: [])
    @collected = { stdout: String.new(encoding: Encoding::BINARY), stderr: String.new(encoding: Encoding::BINARY) }
    out, out_end = IO.pipe
    err, err_end = IO.pipe
    @stdin, stdin_end = IO.pipe.reverse
    load_path = File.directory?(LIB) ? ['-I', LIB] : [] # absent where the installed gem is tested
    @started = now
    # A process group of its own, so that its children can be killed with it.
    @pid = spawn(env, *interpreter, *load_path, '-e', code, *arguments, in: stdin_end, out: out_end, err: err_end, pgroup: true)
    [stdin_end, out_end, err_end].each(&:close)
    @readers = { stdout: out, stderr: err }.map { |name, pipe| Thread.new { collect(name, pipe) } }
    @waiter = Process.detach(@pid)
  end

  def signal(name)
    Process.kill(name, pid)
  end

  # Writes a line to its standard input.
  def tell(line)
    @stdin.puts(line)
  end

  # Its output so far.
  def stdout = text(:stdout)
  def stderr = text(:stderr)

  # Waits until it has printed something to standard output; returns the match.
  def wait_for(pattern, timeout: 10)
    timeout *= Slowdown::FACTOR
    limit = now + timeout
    loop do
      match = stdout.match(pattern)
      return match if match

      raise Hung, "no #{pattern.inspect} within #{timeout} s\n#{report}" if now > limit || !@waiter.alive?

      sleep 0.01
    end
  end

  # Waits for its exit, and for that of every process that holds its output.
  def finish(timeout: 20)
    timeout *= Slowdown::FACTOR
    raise Hung, "still running after #{timeout} s\n#{report}" unless @waiter.join(timeout)

    seconds = now - @started
    left = [timeout - seconds, 1].max
    raise Hung, "ended, but a process it started still holds its output\n#{report}" unless @readers.all? { |reader| reader.join(left) }

    Result.new(stdout: stdout, stderr: stderr, status: @waiter.value, seconds: seconds)
  end

  def kill
    Process.kill(:KILL, -pid)
  rescue Errno::ESRCH
    nil
  ensure
    @waiter.join
    @stdin.close
  end

  private

  # under_valgrind.rb puts more in front of it.
  def interpreter = [RbConfig.ruby]

  def collect(name, pipe)
    loop { @collected[name] << pipe.readpartial(65_536) }
  rescue EOFError
    pipe.close
  end

  def text(name)
    @collected[name].dup.force_encoding(Encoding::UTF_8).scrub
  end

  def report
    "stdout: #{stdout}\nstderr: #{stderr}"
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
