# frozen_string_literal: true

require 'socket'

# Loaded into LegionIO with RUBYOPT. Much of what matters (Broker, threads) is visible inside the process only: this answers
# questions, which are Ruby code, at a socket. See LegionIO#ask.
module LegionIOProbe
  module_function

  def listen(path)
    server = UNIXServer.new(path)
    Thread.new do
      loop { Thread.new(server.accept) { |connection| answer(connection) } }
    end
  end

  def answer(connection)
    code = connection.read
    connection.write(Marshal.dump(reply(code)))
  ensure
    connection.close
  end

  # Only what Marshal takes without our classes can be read at the other end.
  def reply(code)
    value = TOPLEVEL_BINDING.dup.eval(code, 'question')
    Marshal.dump(value)
    { value: value }
  rescue Exception => e # rubocop:disable Lint/RescueException -- told to the one who asked
    { error: "#{e.class}: #{e.message}\n#{Array(e.backtrace).first(5).join("\n")}" }
  end
end

$stdout.sync = true # into a file it would be written in blocks
# Programs that LegionIO starts inherit RUBYOPT too.
if File.basename($PROGRAM_NAME) == 'legionio' && (path = ENV.delete('LEGIONIO_PROBE'))
  LegionIOProbe.listen(path)
end
