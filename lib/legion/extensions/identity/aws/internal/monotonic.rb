# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # The clock for waits and ages: setting the time of day does not move it.
          #
          # @api private
          module Monotonic
            # @return [Float] seconds
            def self.now = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
          end
        end
      end
    end
  end
end
