# frozen_string_literal: true

require_relative 'internal/redacted'

module Legion
  module Extensions
    module Identity
      module Aws
        # What proves the identity of this process to another system: frozen, printed without the secret, never serialised.
        #
        # It has no `to_str`, so it is never taken for its text by accident: hand over {#token}.
        class Token
          include Internal::Redacted

          # @return [Symbol] what it is for, such as `:eks`
          attr_reader :kind
          # @return [Time] when the other system takes it no more, in UTC
          attr_reader :expiration

          # @api private
          # @param token [Internal::Native::SecretText]
          # @param expiration [Integer] seconds since the epoch
          # @param kind [Symbol]
          def initialize(token:, expiration:, kind:)
            @text = token
            @expiration = ::Time.at(expiration).utc.freeze
            @kind = kind
            freeze
          end

          # @return [String] the secret; a new String each time
          def token = @text.expose

          # @return [Boolean] whether the other system takes it no more
          def expired? = ::Time.now >= expiration

          # @return [String] without the secret
          def inspect = "#<#{self.class} kind=#{kind.inspect} expiration=#{expiration.inspect}>"
        end
      end
    end
  end
end
