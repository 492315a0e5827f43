# frozen_string_literal: true

require_relative 'identity'
require_relative '../internal/native'
require_relative '../profile_summary'
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

        class << self
          # Where warnings and debug lines go, for sessions without a logger of their own.
          #
          # @return [Logger, nil] nil: LegionIO's logging where it is loaded, else nowhere
          attr_reader :logger

          # @param logger [Logger, nil] anything that answers debug, info, warn and error
          # @raise [ArgumentError] if it does not
          def logger=(logger)
            @logger = Log.check(logger) # rubocop:disable ThreadSafety/ClassInstanceVariable -- one write, whole or not at all
          end

          # The profiles of the shared config files that the environment names, by name. Reads files, and asks no network.
          #
          # @return [Array<ProfileSummary>] frozen
          # @raise [ConfigurationError] where a file cannot be read
          def profiles = Native.profiles(Layers.environment).map { |fields| ProfileSummary.new(**fields).freeze }.freeze

          # Looks at everything between this process and a working identity, and says what it found: settings and where each comes
          # from, every source of credentials, the way to STS, the clock, who we are, the roles, MFA, files and their modes, the cache,
          # LegionIO. It never fails itself, and shows no secret.
          #
          #   report = Aws.doctor
          #   puts report
          #   report.problems.each { |problem| warn "#{problem.what} #{problem.remedy}" }
          #
          # Takes some 30 s at most, plus what a `credential_process` takes.
          #
          # @param assume [Boolean] whether the roles are tried: a real AssumeRole for each
          # @param options [Hash{Symbol => Object}] as for {Session#initialize}
          # @return [Doctor::Report]
          # @raise [ArgumentError] for an object among the options that cannot be asked
          def doctor(assume: false, **options)
            require_relative '../doctor'
            Doctor.examine(assume: assume, **options)
          end

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

          # @return [Boolean] false
          def data_required? = false

          # @return [Boolean] false
          def cache_required? = false

          # @return [Boolean] false
          def crypt_required? = false

          # @return [Boolean] false
          def vault_required? = false

          # @return [Boolean] false
          def llm_required? = false

          # @return [Boolean] false
          def skills_required? = false

          # LegionIO's loader calls this once the gem is loaded. Whoever required the gem before LegionIO was there gets it registered
          # here.
          #
          # @return [void]
          def autobuild
            super if defined?(super)
            Registration.register
          end
        end
      end
    end
  end
end
