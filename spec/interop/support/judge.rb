# frozen_string_literal: true

require 'json'
require 'tempfile'

# Another implementation, in a long-lived process of its own: one question a line, one answer a line, both JSON.
class Judge
  # More than any of them takes for one question, an unreachable address included.
  WAIT_TIMEOUT = 30

  attr_reader :name

  def initialize(name, command, environment = {})
    @name = name
    @log = Tempfile.new('judge')
    @one_at_a_time = Mutex.new
    # Of ours it gets nothing but the PATH: each question brings the whole environment it is about.
    @pipe = IO.popen([{ 'PATH' => ENV.fetch('PATH'), 'LANG' => 'C.UTF-8' }.merge(environment), *command,
                      { err: @log.path, unsetenv_others: true, pgroup: true }], 'r+')
  end

  def ask(question)
    @one_at_a_time.synchronize { exchange(question) }
  end

  def stop
    Process.kill(:KILL, -@pipe.pid)
    @pipe.close
    @log.unlink
  end

  private

  def exchange(question)
    @pipe.puts(JSON.generate(question))
    raise "#{name} did not answer within #{WAIT_TIMEOUT} s: #{question}#{log}" unless @pipe.wait_readable(WAIT_TIMEOUT)

    answer = @pipe.gets or raise "#{name} exited#{log}"
    JSON.parse(answer)
  rescue Errno::EPIPE
    raise "#{name} exited#{log}"
  end

  def log = "\n#{File.read(@log.path)}"
end
