# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Warns of each cause once, until it is forgotten. It keeps the last causes only, since messages may differ without end.
          #
          # @api private
          class WarnOnce
            # How many causes are remembered.
            KEPT = 21
            private_constant :KEPT

            # @param log [Log]
            def initialize(log)
              @log = log
              @causes = []
            end

            # @param message [String]
            # @param cause [Object] what makes two messages the same
            # @return [void]
            def warn(message, cause = message)
              return if @causes.include?(cause)

              @causes = [*@causes, cause].last(KEPT).freeze
              @log.warn(message)
            end

            # @yieldparam cause [Object]
            # @yieldreturn [Boolean] whether to forget it; without a block every one is forgotten
            # @return [void]
            def forget
              @causes = @causes.reject { |cause| !block_given? || yield(cause) }.freeze
            end
          end
        end
      end
    end
  end
end
