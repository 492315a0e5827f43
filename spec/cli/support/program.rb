# frozen_string_literal: true

require 'doctor/support/broken_world'
require 'io/console'
require 'open3'
require 'pty'

# The program as a user starts it: a process of its own, in a pipe or on a terminal.
module Program
  CHECKOUT = File.expand_path('../../../exe/lex-identity-aws', __dir__)

  Answer = Struct.new(:stdout, :stderr, :status, keyword_init: true) do
    def data = JSON.parse(stdout)
    def exit = status.exitstatus
  end

  def self.included(group) = group.include(BrokenWorld)

  # In an installed gem it is where RubyGems put it.
  def program = File.exist?(CHECKOUT) ? CHECKOUT : Gem.bin_path('lex-identity-aws', 'lex-identity-aws')

  def in_pipe(*words, env: keys, stdin: '')
    out, err, status = Open3.capture3({ 'HOME' => home, **env }, RbConfig.ruby, program, *words, stdin_data: stdin)
    Answer.new(stdout: out, stderr: err, status: status)
  end

  # What a terminal shows. Asked for something, it types what is given for it.
  def on_terminal(*words, env: keys, asked: nil, type: nil)
    output = +''
    status = PTY.spawn({ 'HOME' => home, **env }, RbConfig.ruby, program, *words) do |reader, writer, pid|
      Timeout.timeout(20) do
        loop do
          output << reader.readpartial(4096)
          next unless asked&.match?(output)

          sleep 0.01 while reader.echo? # it asks first, and turns the echo off then
          writer.puts(type)
          asked = nil
        end
      end
    rescue EOFError, Errno::EIO # it has closed its end
      break Process.wait2(pid).last
    end
    Answer.new(stdout: output.gsub("\r\n", "\n"), stderr: '', status: status)
  end

  # A file of the program's name that runs it: what stands in credential_process.
  def installed_program
    file('bin/lex-identity-aws', "#!/bin/sh\nexec #{RbConfig.ruby} #{program} \"$@\"\n", mode: 0o755)
  end
end
