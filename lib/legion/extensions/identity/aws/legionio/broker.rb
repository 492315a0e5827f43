# frozen_string_literal: true

require_relative 'lease'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Our entries in LegionIO's Broker, which asks nobody for credentials: what it is to lease must be registered with it.
          #
          # @api private
          class Broker
            # Under this name.
            PROVIDER = :aws
            # LegionIO's own name for what is leased when nobody says which.
            DEFAULT = :default

            # @param face [Object] what answers for the process's own credentials
            def initialize(face)
              @face = face
              @lock = ::Mutex.new
              @registered = []
            end

            # @return [Boolean] LegionIO loads it just before it first resolves
            def there? = defined?(::Legion::Identity::Broker) && defined?(::Legion::Identity::LeaseRenewer) ? true : false

            # @return [Array<Symbol>] qualifiers that were registered here and not withdrawn since
            attr_reader :registered

            # @param qualifier [Symbol]
            # @return [Legion::Identity::LeaseRenewer, nil]
            def renewer(qualifier) = (::Legion::Identity::Broker.renewer_for(PROVIDER, qualifier: qualifier) if there?)

            # @param qualifier [Symbol]
            # @param face [Object] what answers for it
            # @return [Lease, nil] what a living renewer of ours holds
            def lease(qualifier, face)
              renewer = renewer(qualifier)
              renewer.current_lease if renewer&.alive? && renewer.provider.equal?(face)
            end

            # Replacing one that is waiting for AWS takes up to 5 s, so only what is free is registered on a thread of LegionIO's.
            #
            # LegionIO takes whatever comes first under a name for what is leased when nobody says which, and has it answer `for_context:`.
            # That is the process's own, also where a role can be had before it: nothing then, and not the role.
            #
            # @param qualifier [Symbol]
            # @param face [Object]
            # @param lease [Lease]
            # @return [void]
            def register(qualifier, face, lease)
              put(DEFAULT, @face, nil) unless @claimed || qualifier == DEFAULT
              put(qualifier, face, lease)
              @lock.synchronize { @registered |= [qualifier] }
            end

            # There is no way to unregister: the key stays in the list, without a lease.
            #
            # @param qualifier [Symbol]
            # @return [void]
            def withdraw(qualifier)
              return unless @registered.include?(qualifier)

              put(qualifier, nil, nil)
              @lock.synchronize { @registered -= [qualifier] }
            end

            private

            def put(qualifier, face, lease)
              own = qualifier == DEFAULT
              bury(qualifier)
              ::Legion::Identity::Broker.register_provider(PROVIDER, provider: face, lease: lease, qualifier: qualifier, default: own)
              @claimed = true if own
            end

            # Broker joins the thread it replaces, and a dead one raises there what it died of, each time.
            def bury(qualifier)
              renewer = renewer(qualifier)
              ::Legion::Identity::Broker.__send__(:renewers).delete([PROVIDER, qualifier]) if renewer && !renewer.alive?
            end
          end
        end
      end
    end
  end
end
