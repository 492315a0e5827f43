# frozen_string_literal: true

require_relative 'runtime'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Passes on what happens to the leased credentials: as `identity.aws.refreshed`, `identity.aws.refresh_failed` and so on through
          # Legion::Events. By listening it also has them renewed in time when nobody reads.
          #
          # @api private
          class Relay
            def initialize
              @lock = ::Mutex.new
              @followed = {}
            end

            # @param qualifier [Symbol]
            # @param session [Session] in force for it; the one before is left
            # @return [void]
            def follow(qualifier, session)
              left = @lock.synchronize do
                before = @followed[qualifier]
                next if before&.first.equal?(session) && before.last.active?

                @followed = @followed.merge(qualifier => [session, listen(qualifier, session)]).freeze
                before
              end
              left&.last&.unsubscribe
            end

            # @param qualifier [Symbol]
            # @return [void]
            def leave(qualifier)
              left = @lock.synchronize do
                before = @followed[qualifier]
                @followed = @followed.except(qualifier).freeze
                before
              end
              left&.last&.unsubscribe
            end

            # @param qualifier [Symbol]
            # @param session [Session]
            # @return [Boolean] false in a forked child
            def following?(qualifier, session)
              followed, subscription = @followed[qualifier]
              followed.equal?(session) && subscription.active?
            end

            private

            def listen(qualifier, session)
              session.on_change do |event|
                Runtime.emit("identity.aws.#{event.type}", qualifier: qualifier, access_key_id: event.access_key_id, expiration: event.expiration,
                                                           reason: event.reason, attempt: event.attempt)
              end
            end
          end
        end
      end
    end
  end
end
