# frozen_string_literal: true

require_relative '../errors'
require_relative '../legionio/vault_cluster'
require_relative '../legionio/vault_setting'
require_relative 'finding'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # What `identity.aws.vault` says: inside of LegionIO whether its cluster is logged in to, elsewhere whether LegionIO can use it. Asks
          # Vault nothing.
          #
          # @api private
          class Vault
            # @param settings [Internal::Secret, nil] `identity.aws` of LegionIO's files; nil inside of LegionIO
            def initialize(settings = nil)
              @settings = settings
            end

            # @return [Array<Finding>]
            def findings
              settings = @settings
              return [] unless Aws::LegionIO::VaultSetting.given?(settings || Internal::Layers.identity_aws)

              [settings ? in_settings(settings) : in_legionio]
            rescue NotReadyError => e
              [finding(e.message, :skipped)]
            rescue Error => e
              [finding(e.message, :warn, 'Correct the settings; docs/legionio.md has the keys of identity.aws.vault.')]
            rescue ::StandardError => e
              [finding("LegionIO cannot be asked: #{e.class}", :warn, 'Check that the version of LegionIO is 1.9 or newer.')]
            end

            private

            def in_settings(settings)
              request = Aws::LegionIO::VaultSetting.request(settings)
              finding("LegionIO logs in to #{request.cluster ? "cluster #{request.cluster}" : 'its cluster'} as role #{request.role}", :ok)
            end

            def in_legionio
              cluster = Aws::LegionIO::VaultCluster.named(Aws::LegionIO::VaultSetting.request.cluster)
              # Whose token it is only the login knows, which warns of another one.
              cluster.refuse_other_login(ours: true)
              return finding("#{cluster} is logged in to", :ok) if cluster.connected?

              finding("#{cluster} is not logged in to", :warn, "LegionIO's log has the reason. It is tried again in the background.")
            end

            def finding(what, status, remedy = nil) = Finding.of('vault', 'login', what, status: status, remedy: remedy)
          end
        end
      end
    end
  end
end
