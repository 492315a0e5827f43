# frozen_string_literal: true

# How many times slower than usual this machine runs Ruby, under valgrind or an emulator: the factor of every time-out that only ends what
# hangs. No bound that an example asserts is multiplied.
module Slowdown
  FACTOR = Integer(ENV.fetch('SPEC_SLOWDOWN', '1'))
end
