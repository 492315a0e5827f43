# frozen_string_literal: true

require_relative 'runtime'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Forwards the changes of leased credentials to Legion::Events: as `identity.aws.refreshed`,
          # `identity.aws.refresh_failed` and so on. A session that has a listener is also refreshed in time when its credentials are not
          # read.
          #
          # Only {BrokerSync}'s background job calls this, so there is no lock.
          #
          # @api private
          class EventForwarder
            def initialize
              @forwarded = {}
            end

            # Does nothing where the session's events are forwarded already. A forked child has to forward them anew.
            #
            # @param qualifier [Symbol]
            # @param session [Session] replaces the one before
            # @return [void]
            def forward(qualifier, session)
              known, subscription = @forwarded[qualifier]
              return if known.equal?(session) && subscription.active?

              stop(qualifier)
              @forwarded[qualifier] = [session, session.on_change { |event| emit(qualifier, event) }]
            end

            # @param qualifier [Symbol]
            # @return [void]
            def stop(qualifier)
              _, subscription = @forwarded.delete(qualifier)
              subscription&.unsubscribe
            end

            private

            def emit(qualifier, event)
              Runtime.emit("identity.aws.#{event.type}", qualifier: qualifier, access_key_id: event.access_key_id, expiration: event.expiration,
                                                         reason: event.reason, attempt: event.attempt)
            end
          end
        end
      end
    end
  end
end
