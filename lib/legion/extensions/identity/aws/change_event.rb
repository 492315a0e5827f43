# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        ChangeEvent = ::Struct.new(:number, :type, :access_key_id, :expiration, :reason, :attempt, :at, keyword_init: true)

        # What a listener of {Session#on_change} receives. Frozen, equal by content, never a secret.
        #
        # `type` is one of
        # - `:refreshed`: new credentials were fetched;
        # - `:refresh_failed`: a fetch failed, or a callback of the session did;
        # - `:degraded`: a refresh failed, and the cached credentials are served in place of new ones;
        # - `:expired`: the credentials have expired, and no fetch has replaced them;
        # - `:invalidated`: they count as refused: {Session#invalidate} was called with their key id, AWS refused it, or {Session#refresh!}
        #   replaces them.
        #
        # @!attribute [r] number
        #   @return [Integer] counts the events of a session
        # @!attribute [r] type
        #   @return [Symbol]
        # @!attribute [r] access_key_id
        #   @return [String, nil] of the credentials it is about; nil for a failure
        # @!attribute [r] expiration
        #   @return [Time, nil] of those credentials, in UTC
        # @!attribute [r] reason
        #   @return [String, nil] why the refresh failed
        # @!attribute [r] attempt
        #   @return [Integer] how many fetches have failed since the last success
        # @!attribute [r] at
        #   @return [Time] when, in UTC
        class ChangeEvent
          # @api private
          # @param fields [Hash{Symbol => Object}]
          def initialize(**fields)
            super
            freeze
          end
        end
      end
    end
  end
end
