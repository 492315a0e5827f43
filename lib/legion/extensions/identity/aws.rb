# frozen_string_literal: true

# LegionIO asks for this file by its absolute path, on a thread of its own, and rescues nothing but LoadError. So whatever goes wrong
# here leaves as one, with its cause in the message.
begin
  # Two releases in one process would be two libraries behind one set of constants. A second copy of the same release (a checkout
  # beside an installed gem) has nothing to add.
  if defined?(Legion::Extensions::Identity::Aws::VERSION)
    loaded = Legion::Extensions::Identity::Aws::VERSION
    ours   = File.read("#{__dir__}/aws/version.rb")[/VERSION = '(.+)'/, 1]
    unless ours == loaded
      raise LoadError, "lex-identity-aws #{loaded} is loaded in this process, so #{ours} (#{__dir__}) cannot be. " \
                       'Restart the process to change over; keep one of them in the bundle.'
    end
    if Legion::Extensions::Identity::Aws.respond_to?(:identity_provider?) # the last of what follows, so all of it is there
      Legion::Extensions::Identity::Aws::LegionIO::Registration.register
      return
    end
  end

  require_relative 'aws/version'
  require_relative 'aws/errors'
  require_relative 'aws/internal/native'
  require_relative 'aws/profile_summary'
  require_relative 'aws/session'
  require_relative 'aws/terminal_token_provider'

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
              require_relative 'aws/doctor'
              Doctor.examine(assume: assume, **options)
            end
          end
        end
      end
    end
  end

  require_relative 'aws/legionio/extension'

  Legion::Extensions::Identity::Aws::LegionIO::Registration.register
rescue Exception => e # rubocop:disable Lint/RescueException -- in LegionIO's phase 0 it would end the process
  raise if [LoadError, SignalException, SystemExit].any? { |kind| e.is_a?(kind) }

  raise LoadError, "lex-identity-aws cannot be loaded: #{e.class}: #{e.message}", cause: e
end
