# frozen_string_literal: true

require_relative 'identity'
require_relative 'registration'

# LegionIO's name space.
module Legion
  # Where LegionIO looks for its extensions.
  module Extensions
    # Identity providers.
    module Identity
      # AWS identity and short-lived credentials for a LegionIO machine, or for any Ruby program: see {Aws::Session} and
      # {Aws::Identity}.
      module Aws
        extend Legion::Extensions::Core if Legion::Extensions.const_defined?(:Core, false)

        # What 0.1.0 published under this name. The core has the defaults in force, and more of them: see {Aws.settings}.
        SETTINGS_DEFAULTS = {
          region:           nil,
          role_arn:         nil,
          session_duration: 3600,
          profile:          nil
        }.freeze

        class << self
          # The settings in force in LegionIO's provider: `region`, `profile`, `role_arn`, `session_duration` and more.
          #
          # @return [Hash{Symbol => Object}] no secrets
          # @raise [ConfigurationError] where they cannot be used
          def settings = Identity.settings

          # @return [Symbol] `:aws`
          def provider_name = Identity.provider_name

          # @return [Symbol] `:auth`
          def provider_type = Identity.provider_type

          # @return [Symbol] `:machine`
          def facing = Identity.facing

          # @return [Boolean] true; LegionIO before 1.9 asked this
          def identity_provider? = true

          # @return [Boolean] false: there are no runners to be called from elsewhere, so LegionIO makes no queues and meta actors
          def remote_invocable? = false

          # @return [Boolean] false
          def mcp_tools? = false

          # @return [Boolean] false
          def mcp_tools_deferred? = false

          # @return [Boolean] false
          def sticky_tools? = false

          # @return [Boolean] false
          def transport_required? = false

          # LegionIO's loader calls this once the gem is loaded. Whoever required the gem before LegionIO was there gets it registered
          # here.
          #
          # @return [void]
          def autobuild
            super if defined?(super)
            LegionIO::Registration.register
          end
        end
      end
    end
  end
end
