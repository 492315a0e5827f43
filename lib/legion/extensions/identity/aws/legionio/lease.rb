# frozen_string_literal: true

require_relative '../credentials'
require_relative 'plain_lease'

module Legion
  module Extensions
    module Identity
      module Aws
        # A set of credentials as LegionIO's Broker keeps it: the access key id as its credential, AWS's expiry as its own. It prints
        # without secrets; {#credentials} has them.
        #
        # In LegionIO the class is a subclass of `Legion::Identity::Lease`, elsewhere of {LegionIO::PlainLease}; both are a Lease.
        module Lease
          LOCK = ::Mutex.new
          private_constant :LOCK

          class << self
            # @param credentials [Credentials]
            # @param session [Session, nil] that they are from
            # @return [Lease] frozen
            def of(credentials, session: nil) = implementation.new(credentials, session: session)

            private

            # LegionIO loads its Lease long after this gem, so the class is made at the first use.
            def implementation
              return Standalone unless defined?(::Legion::Identity::Lease)

              LOCK.synchronize do
                const_set(:InLegion, ::Class.new(::Legion::Identity::Lease) { include Lease }) unless const_defined?(:InLegion, false)
              end
              const_get(:InLegion, false)
            end
          end

          # @return [Credentials] the full set, secret and session token included
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

          # Whoever audits or lists leases sees this.
          def metadata_of(credentials)
            metadata = {
              access_key_id: credentials.access_key_id,
              region:        credentials.region,
              expiration:    credentials.expiration&.getutc&.strftime('%FT%TZ')
            }
            metadata[:degraded] = credentials.degraded if credentials.degraded
            metadata.freeze
          end

          # For where LegionIO is absent.
          class Standalone < LegionIO::PlainLease
            include Lease
          end
        end
      end
    end
  end
end
