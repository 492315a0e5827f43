# frozen_string_literal: true

require_relative 'broker_sync'
require_relative 'identity'
require_relative 'profile_provider'
require_relative 'vault'

module Legion
  module Extensions
    module Identity
      module Aws
        module Identity
          vault = LegionIO::Vault.new(PROVIDER)
          # What LegionIO's Resolver knows beside {Identity}.
          PROFILE = LegionIO::ProfileProvider.new(PROVIDER, vault)
          # What LegionIO's Broker holds, and the roles.
          SYNC = LegionIO::BrokerSync.new(self, PROVIDER, vault)
          # What {Identity.current_credentials} returns.
          CREDENTIALS = PROVIDER.current_credentials(SYNC)
        end
      end
    end
  end
end
