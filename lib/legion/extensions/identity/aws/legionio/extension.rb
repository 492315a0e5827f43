# frozen_string_literal: true

require_relative '../internal/lazy'

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

        autoload :Lease, "#{__dir__}/lease.rb"

        module LegionIO
          autoload :PhaseZero, "#{__dir__}/phase_zero.rb"
          autoload :RefreshingCredentials, "#{__dir__}/refreshing_credentials.rb"
          autoload :Registration, "#{__dir__}/registration.rb"

          # The methods of {Identity} until its file is loaded: each loads it and calls the method of the same name that the file defines,
          # which from then on takes precedence. So a trap handler can always name {Identity}, and an {Error} says what is not loaded.
          #
          # @api private
          module UnloadedIdentity
            %i[provider_name provider_type facing priority trust_weight trust_level capabilities resolve provide_token current_credentials
               refresh resolve_qualifier session normalize settings providers registered].each do |name|
              define_method(name) do |*arguments, **options|
                LegionIO.load
                Identity.public_send(name, *arguments, **options)
              end
            end
          end

          class << self
            # Loads {Identity} and what its answer takes. What only LegionIO, a lease or a role needs is loaded for those.
            #
            # @return [Module]
            # @raise [Error] in a trap handler, if it is not loaded yet
            def load = Internal::Lazy.load(LegionIO, :Registration)

            # Where LegionIO is there, registers with it. All that LegionIO may call is loaded now, since it may call from a trap handler.
            #
            # @return [void]
            def attach
              return unless defined?(::Legion::Identity) || defined?(::Legion::Extensions::Core)

              load
              { Lease: Aws, PhaseZero: LegionIO, SYNC: Identity, Listeners: Internal }.each { |name, scope| Internal::Lazy.load(scope, name) }
              Registration.register
            end
          end
        end

        module Identity
          extend LegionIO::UnloadedIdentity
        end

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

          # LegionIO's loader calls this once the gem is loaded. It registers a gem that was required before LegionIO was.
          #
          # @return [void]
          def autobuild
            super if defined?(super)
            LegionIO.attach
          end
        end
      end
    end
  end
end
