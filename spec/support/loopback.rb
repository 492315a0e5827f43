# frozen_string_literal: true

require 'socket'

# A new network name space starts with its loopback interface down. `ruby -r…/loopback` takes it up, without tools that a minimal
# system may lack.
module Loopback
  GET_FLAGS = 0x8913 # SIOCGIFFLAGS
  SET_FLAGS = 0x8914 # SIOCSIFFLAGS
  UP = 1
  private_constant :GET_FLAGS, :SET_FLAGS, :UP

  module_function

  def up
    socket = Socket.new(:INET, :DGRAM)
    socket.ioctl(GET_FLAGS, request = interface(0))
    socket.ioctl(SET_FLAGS, interface(request.unpack('a16s').last | UP))
  ensure
    socket&.close
  end

  # struct ifreq of <net/if.h>
  def interface(flags)
    ['lo', flags].pack('a16sx22')
  end
end

Loopback.up
