# frozen_string_literal: true

require_relative 'internal/layers'
require_relative 'internal/log'
require_relative 'internal/native'
require_relative 'profile_summary'

module Legion
  module Extensions
    module Identity
      module Aws
        class << self
          # Where warnings and debug lines go, for sessions without a logger of their own.
          #
          # @return [Logger, nil] nil: LegionIO's logging where it is loaded, else nowhere
          attr_reader :logger

          # @param logger [Logger, nil] anything that answers debug, info, warn and error
          # @raise [ArgumentError] if it does not
          def logger=(logger)
            @logger = Internal::Log.check(logger) # rubocop:disable ThreadSafety/ClassInstanceVariable -- one write, whole or not at all
          end

          # The profiles of the shared config files that the environment names, by name. Reads files, and asks no network.
          #
          # @return [Array<ProfileSummary>] frozen
          # @raise [ConfigurationError] where a file cannot be read
          def profiles = Internal::Native.profiles(Internal::Layers.environment).map { |fields| ProfileSummary.new(**fields).freeze }.freeze

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
            require_relative 'doctor'
            Doctor.examine(assume: assume, **options)
          end
        end
      end
    end
  end
end
