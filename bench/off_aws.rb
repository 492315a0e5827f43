# frozen_string_literal: true

require 'socket'

# Four machines that are not on AWS: what each puts in the place of the instance metadata service.
module OffAws
  FORMS = %i[disabled refused silent dropped].freeze

  # Each yields what ENV then holds.
  class << self
    def disabled = yield('AWS_EC2_METADATA_DISABLED' => 'true')

    # A port that is bound and not listened on.
    def refused
      socket = Socket.new(:INET, :STREAM)
      socket.bind(Addrinfo.tcp('127.0.0.1', 0))
      yield at(socket.local_address.ip_port)
    ensure
      socket&.close
    end

    # The kernel accepts the connection, and no answer is ever written.
    def silent
      server = TCPServer.new('127.0.0.1', 0)
      yield at(server.addr[1])
    ensure
      server&.close
    end

    # A full queue of connections: the system drops the packet that would open one more, as a firewall does.
    def dropped
      server = Socket.new(:INET, :STREAM)
      server.bind(Addrinfo.tcp('127.0.0.1', 0))
      server.listen(0)
      address = server.local_address
      waiting = Array.new(3) { Socket.new(:INET, :STREAM).tap { |socket| socket.connect_nonblock(address, exception: false) } }
      raise 'the queue of connections is not full: packets are not dropped here' if answers?(address)

      yield at(address.ip_port)
    ensure
      [server, *waiting].compact.each(&:close)
    end

    private

    def answers?(address)
      Socket.tcp(address.ip_address, address.ip_port, connect_timeout: 0.2, &:close)
      true
    rescue Errno::ETIMEDOUT
      false
    end

    def at(port) = { 'AWS_EC2_METADATA_SERVICE_ENDPOINT' => "http://127.0.0.1:#{port}" }
  end
end
