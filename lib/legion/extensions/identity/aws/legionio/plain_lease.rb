# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # A lease as LegionIO's brokers and renewers know it (`Legion::Identity::Lease`), for where LegionIO is absent.
          class PlainLease
            # @return [Symbol]
            attr_reader :provider
            # @return [String]
            attr_reader :credential
            # @return [String, nil]
            attr_reader :lease_id
            # @return [Time, nil] nil: never
            attr_reader :expires_at
            # @return [Boolean]
            attr_reader :renewable
            # @return [Time]
            attr_reader :issued_at
            # @return [Hash{Symbol => Object}] frozen
            attr_reader :metadata

            # @param provider [Symbol]
            # @param credential [String]
            # @param lease_id [String, nil]
            # @param expires_at [Time, nil]
            # @param renewable [Boolean]
            # @param issued_at [Time, nil] nil: now
            # @param metadata [Hash]
            def initialize(provider:, credential:, lease_id: nil, expires_at: nil, renewable: false, issued_at: nil, metadata: {})
              @provider   = provider
              @credential = credential
              @lease_id   = lease_id
              @expires_at = expires_at
              @renewable  = renewable
              @issued_at  = issued_at || ::Time.now
              @metadata   = metadata.freeze
            end

            # @return [String]
            def token = credential

            # @return [Boolean] false where it never expires
            def expired? = !expires_at.nil? && expires_at <= ::Time.now

            # @return [Boolean] whether half of its life has passed
            def stale?
              return false if expires_at.nil?

              life = expires_at - issued_at
              life.positive? && (::Time.now - issued_at) * 2 >= life
            end

            # @return [Integer, nil] whole seconds left; nil where it never expires
            def ttl_seconds = expires_at && [(expires_at - ::Time.now).to_i, 0].max

            # @return [Boolean]
            def valid? = !(credential.nil? || expired?)

            # Without `iso8601`: the library it comes from takes as long to load as a third of this gem.
            #
            # @return [Hash{Symbol => Object}] without the credential; times in UTC
            def to_h
              {
                provider:   provider,
                lease_id:   lease_id,
                expires_at: expires_at&.getutc&.strftime('%FT%TZ'),
                renewable:  renewable,
                issued_at:  issued_at.getutc.strftime('%FT%TZ'),
                ttl:        ttl_seconds,
                valid:      valid?,
                metadata:   metadata
              }
            end
          end
        end
      end
    end
  end
end
