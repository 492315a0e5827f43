# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        # What a listener of {Session#on_change} is told. Frozen, equal by content, never a secret.
        #
        # `type` is one of
        # - `:refreshed`: a new set is held;
        # - `:refresh_failed`: a request for one failed, or what it needs could not be had;
        # - `:degraded`: the held set is served on although it should have been replaced;
        # - `:expired`: its time has passed, and nothing has replaced it;
        # - `:invalidated`: somebody said that a service refused it.
        #
        # @!attribute [r] number
        #   @return [Integer] counts the events of a session
        # @!attribute [r] type
        #   @return [Symbol]
        # @!attribute [r] access_key_id
        #   @return [String, nil] of the set it is about; nil for a failure
        # @!attribute [r] expiration
        #   @return [Time, nil] of that set, in UTC
        # @!attribute [r] reason
        #   @return [String, nil] why it failed, or is served on
        # @!attribute [r] attempt
        #   @return [Integer] how many requests have failed since the last good one
        # @!attribute [r] at
        #   @return [Time] when, in UTC
        ChangeEvent = ::Struct.new(:number, :type, :access_key_id, :expiration, :reason, :attempt, :at, keyword_init: true)
      end
    end
  end
end
