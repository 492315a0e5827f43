# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        # How long to leave AWS alone between two tries: 2 s, doubling to 60 s, each up to a quarter more or less, so that the machines
        # of an outage do not come back as one.
        #
        # @api private
        class Backoff
          FIRST = 2.0
          LAST = 60.0
          JITTER = (0.75..1.25)
          private_constant :FIRST, :LAST, :JITTER

          # @param random [Random]
          def initialize(random: ::Random)
            @random = random
            @next = FIRST
          end

          # @return [Float] seconds
          def next
            seconds = @next
            @next = [seconds * 2, LAST].min
            seconds * @random.rand(JITTER)
          end
        end
      end
    end
  end
end
