# frozen_string_literal: true

require_relative '../internal/redacted'
require_relative '../internal/utc'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # A {Token} as LegionIO's Broker keeps it: the secret is its credential, and in nothing that it prints. It holds no {Credentials}, so
          # it is no {Lease}.
          #
          # This file is loaded with the first token: LegionIO has the class that it inherits from only then.
          #
          # @api private
          class TokenLease < ::Legion::Identity::Lease
            include Internal::Redacted

            # @param token [Token]
            # @param origin [Object] the session and the settings that it was made of; equal by content
            def initialize(token, origin)
              super(
                provider:   :aws,
                credential: nil, # see #credential
                expires_at: token.expiration,
                renewable:  true,
                issued_at:  ::Time.now,
                metadata:   { kind: token.kind, expiration: Internal::Utc.text(token.expiration) }.freeze
              )
              @secret = -> { token.token }
              @origin = origin
              freeze
            end

            # @return [String] the secret
            def credential = @secret.call

            # @return [String] the secret
            def token = credential

            # @param origin [Object]
            # @return [Boolean] whether it is of that session and those settings
            def of?(origin) = @origin == origin

            # @return [String] without the secret
            def inspect = "#<#{self.class} expires_at=#{expires_at.inspect} metadata=#{metadata.inspect}>"
          end
        end
      end
    end
  end
end
