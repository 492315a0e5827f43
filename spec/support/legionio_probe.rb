# frozen_string_literal: true

require 'socket'

# Loaded into LegionIO with RUBYOPT. Broker, threads and more are visible inside the process only: this runs Ruby code that it
# receives at a socket. See LegionIO#ask.
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

  # The other process can load only what Marshal dumps without our classes.
  def reply(code)
    value = TOPLEVEL_BINDING.dup.eval(code, 'question')
    Marshal.dump(value)
    { value: value }
  rescue Exception => e # rubocop:disable Lint/RescueException -- sent to the caller
    { error: "#{e.class}: #{e.message}\n#{Array(e.backtrace).first(5).join("\n")}" }
  end
end

$stdout.sync = true # output to a file is buffered otherwise
# Programs that LegionIO starts inherit RUBYOPT too.
if File.basename($PROGRAM_NAME) == 'legionio' && (path = ENV.delete('LEGIONIO_PROBE'))
  LegionIOProbe.listen(path)
end
