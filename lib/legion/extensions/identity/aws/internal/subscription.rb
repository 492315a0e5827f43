# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        # What {Session#on_change} returns: the way to stop listening.
        class Subscription
          # @api private
          # @param listeners [Listeners]
          # @param after [Integer] number of the last event that is not for this one
          # @param block [#call]
          def initialize(listeners, after, block)
            @listeners = listeners
            @after = after
            @block = block
            @active = true
          end

          # @return [Boolean] whether events still come; false in a forked child
          def active? = @active && @listeners.include?(self)

          # No event comes after this but one that is being told right now.
          #
          # @return [void]
          def unsubscribe
            @active = false
            @listeners.remove(self)
            nil
          end

          # @api private
          # @param event [ChangeEvent]
          # @return [void]
          def tell(event)
            @block.call(event) if @active && event.number > @after
          end

          # @return [String]
          def inspect = "#<#{self.class} active=#{active?}>"
        end
      end
    end
  end
end
