# frozen_string_literal: true

require_relative '../internal/monotonic'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # The token that a cluster of LegionIO's has of this gem: what it was asked for with (`origin`: a session and a request), how many
          # seconds it lived at first, and when it was given, by both clocks: a machine that sleeps stops one of them, and the other one may
          # be set.
          #
          # @api private
          VaultToken = ::Struct.new(:cluster, :origin, :grant, :lifetime, :since, :time)

          class VaultToken
            # @param part [Float]
            # @return [Boolean] whether so much of its life is over
            def spent?(part)
              limit = grant.lease_duration * part
              limit.positive? && (Internal::Monotonic.now - since >= limit || ::Time.now - time >= limit)
            end

            # @param asked [Array] the origin that is asked for now
            # @param part [Float]
            # @return [Boolean] whether it is of that origin, in the cluster still, and less than so much of its life is over
            def good_for?(asked, part) = origin == asked && held? && !spent?(part)

            # @return [Boolean] not near Vault's maximum, where each renewal is shorter than the last
            def renewable? = grant.renewable && grant.lease_duration * 2 >= lifetime && held?

            # @return [void]
            def withdraw = cluster.withdraw(grant.token)

            private

            def held? = cluster.holds?(grant.token)
          end
        end
      end
    end
  end
end
