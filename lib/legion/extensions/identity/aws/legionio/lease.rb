# frozen_string_literal: true

require_relative '../credentials'
require_relative '../internal/utc'

module Legion
  module Extensions
    module Identity
      module Aws
        # Credentials as LegionIO's Broker keeps them: the access key id as its credential, AWS's expiry as its own. It prints without
        # secrets; {#credentials} has them.
        #
        # In LegionIO the class is a subclass of `Legion::Identity::Lease`, elsewhere {Standalone}; both are a Lease.
        module Lease
          LOCK = ::Mutex.new
          private_constant :LOCK

          class << self
            # @param credentials [Credentials]
            # @param session [Session, nil] that they are from
            # @return [Lease] frozen
            def of(credentials, session: nil)
              kind = Standalone
              kind = defined?(InLegion) ? InLegion : in_legion if defined?(::Legion::Identity::Lease)
              kind.new(credentials, session: session)
            end

            private

            # LegionIO loads its Lease long after this gem, so the class is made at the first use.
            def in_legion
              LOCK.synchronize do
                const_set(:InLegion, ::Class.new(::Legion::Identity::Lease) { include Lease }) unless const_defined?(:InLegion, false)
              end
              InLegion
            end
          end

          # @return [Credentials] all of them, secret and session token included
          attr_reader :credentials

          # @param credentials [Credentials]
          # @param session [Session, nil]
          def initialize(credentials, session: nil)
            @credentials = credentials
            @session_id = session.object_id # the session itself would be kept alive
            super(
              provider:   :aws,
              credential: credentials.access_key_id,
              expires_at: credentials.expiration,
              renewable:  true, # static keys too: LegionIO gives only a renewable lease a renewer, and asks through it
              issued_at:  ::Time.now,
              metadata:   metadata_of(credentials)
            )
            freeze
          end

          # @api private
          # @param session [Session, nil]
          # @return [Boolean] whether it is of that session: no longer, once the settings have changed
          def of?(session) = @session_id == session.object_id

          # @return [String] no secrets
          def inspect = "#<#{self.class} credential=#{credential.inspect} expires_at=#{expires_at.inspect} metadata=#{metadata.inspect}>"
          alias to_s inspect

          # @param printer [PP]
          # @return [void]
          def pretty_print(printer) = printer.text(inspect)

          private

          # LegionIO shows this where it audits or lists leases.
          def metadata_of(credentials)
            metadata = {
              access_key_id: credentials.access_key_id,
              region:        credentials.region,
              expiration:    Internal::Utc.text(credentials.expiration)
            }
            metadata[:degraded] = credentials.degraded if credentials.degraded
            metadata.freeze
          end

          Fields = ::Struct.new(:provider, :credential, :lease_id, :expires_at, :renewable, :issued_at, :metadata, keyword_init: true)
          private_constant :Fields

          # A lease where LegionIO is absent: answers what a `Legion::Identity::Lease` answers, and is equal by content.
          class Standalone < Fields
            include Lease

            # @return [String] the access key id
            def token = credential

            # @return [Boolean]
            def valid? = !(credential.nil? || expired?)

            # @return [Boolean] false where it never expires
            def expired? = !expires_at.nil? && expires_at <= ::Time.now

            # @return [Boolean] whether half of its life has passed
            def stale? = !expires_at.nil? && expires_at > issued_at && (::Time.now - issued_at) * 2 >= expires_at - issued_at

            # @return [Integer, nil] whole seconds left; nil where it never expires
            def ttl_seconds = expires_at && [(expires_at - ::Time.now).to_i, 0].max

            # @return [Hash{Symbol => Object}] without the credential; times in UTC
            def to_h
              times = { expires_at: expires_at, issued_at: issued_at }.transform_values { |time| Internal::Utc.text(time) }
              { provider: provider, lease_id: lease_id, **times, renewable: renewable, ttl: ttl_seconds, valid: valid?, metadata: metadata }
            end
          end
        end
      end
    end
  end
end
