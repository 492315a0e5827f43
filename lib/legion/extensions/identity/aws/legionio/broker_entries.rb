# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # The entries of this gem in LegionIO's Broker.
          #
          # @api private
          class BrokerEntries
            # The provider name of all entries in Broker.
            PROVIDER = :aws
            # The qualifier that LegionIO uses where none is given: here that of the process's own credentials.
            DEFAULT = :default

            # @param identity [Object] what Broker asks for the process's own credentials
            def initialize(identity)
              @identity = identity
              @lock = ::Mutex.new
              @renewers = {}
            end

            # @return [Boolean] LegionIO loads Broker just before it first resolves
            def broker? = defined?(::Legion::Identity::Broker) && defined?(::Legion::Identity::LeaseRenewer) ? true : false

            # @return [Array<Symbol>] what was registered here and not withdrawn since
            def qualifiers = @renewers.keys

            # @return [Boolean] whether each renewer that was registered here is still Broker's, and its thread alive: not so after a
            #   fork, or after an error that stopped it
            def intact?
              @renewers.all? do |qualifier, renewer|
                renewer.alive? && ::Legion::Identity::Broker.renewer_for(PROVIDER, qualifier: qualifier).equal?(renewer)
              end
            end

            # @param qualifier [Symbol]
            # @return [Legion::Identity::LeaseRenewer, nil]
            def renewer(qualifier) = ::Legion::Identity::Broker.renewer_for(PROVIDER, qualifier: qualifier)

            # @param qualifier [Symbol]
            # @param provider [Object] what Broker asks for the next lease
            # @yieldparam lease [Legion::Identity::Lease, nil] that a running renewer of this provider holds
            # @yieldreturn [Boolean] whether it is the one wanted
            # @return [Boolean]
            def leased?(qualifier, provider)
              renewer = renewer(qualifier)
              renewer&.alive? && renewer.provider.equal?(provider) ? yield(renewer.current_lease) : false
            end

            # Takes up to 5 s where it replaces a renewer that waits for AWS.
            #
            # LegionIO takes the first qualifier that is registered for the default one, and the first provider to find the qualifier
            # of a `for_context:`. Both have to be the process's own, so it is registered before any role, without a lease if need be.
            #
            # @param qualifier [Symbol]
            # @param provider [Object]
            # @param lease [Legion::Identity::Lease]
            # @return [void]
            def register(qualifier, provider, lease)
              put(DEFAULT, @identity, nil) unless @default_registered || qualifier == DEFAULT
              put(qualifier, provider, lease)
              registered = renewer(qualifier)
              @lock.synchronize { @renewers = @renewers.merge(qualifier => registered).freeze }
            end

            # LegionIO cannot unregister: the qualifier stays listed, without a lease.
            #
            # @param qualifier [Symbol]
            # @return [void]
            def withdraw(qualifier)
              return unless @renewers.key?(qualifier)

              put(qualifier, nil, nil)
              @lock.synchronize { @renewers = @renewers.except(qualifier).freeze }
            end

            private

            def put(qualifier, provider, lease)
              default = qualifier == DEFAULT
              delete_dead_renewer(qualifier)
              ::Legion::Identity::Broker.register_provider(PROVIDER, provider: provider, lease: lease, qualifier: qualifier, default: default)
              @default_registered = true if default
            end

            # Broker joins the thread of a renewer it replaces, and joining a thread that raised raises the same again.
            def delete_dead_renewer(qualifier)
              renewer = renewer(qualifier)
              ::Legion::Identity::Broker.__send__(:renewers).delete([PROVIDER, qualifier]) if renewer && !renewer.alive?
            end
          end
        end
      end
    end
  end
end
