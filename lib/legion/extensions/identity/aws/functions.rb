# frozen_string_literal: true

require_relative 'internal/layers'
require_relative 'internal/lazy'
require_relative 'internal/log'
require_relative 'internal/native'
require_relative 'internal/secret'

module Legion
  module Extensions
    module Identity
      module Aws
        autoload :ChangeEvent, "#{__dir__}/change_event.rb"
        autoload :Doctor, "#{__dir__}/doctor.rb"
        autoload :ProfileSummary, "#{__dir__}/profile_summary.rb"
        autoload :Subscription, "#{__dir__}/internal/listeners.rb"
        autoload :TerminalTokenProvider, "#{__dir__}/terminal_token_provider.rb"
        autoload :Token, "#{__dir__}/token.rb"

        class << self
          # The logger of sessions that were given none.
          #
          # @return [Logger, nil] nil: LegionIO's logging where it is loaded, else nothing is logged
          attr_reader :logger

          # @param logger [Logger, nil] anything that answers debug, info, warn and error
          # @raise [ArgumentError] if it does not
          def logger=(logger)
            @logger = Internal::Log.check(logger) # rubocop:disable ThreadSafety/ClassInstanceVariable -- one write of one reference
          end

          # The profiles of the shared config files that the environment names, sorted by name. Reads files, and sends nothing.
          #
          # @return [Array<ProfileSummary>] frozen
          # @raise [ConfigurationError] where a file cannot be read
          # @raise [TimeoutError] where that takes more than 10 s
          def profiles
            Internal::Lazy.load(Aws, :ProfileSummary).all(Internal::Layers.of(Internal::Secret.new({})))
          end

          # Has clients of aws-sdk-ruby that are given no credentials use these: for code that makes its own clients. Keys, a profile or
          # `credentials:` of a call and what `Aws.config` says come before; the environment, shared files and IMDS as the SDK reads them
          # come after, and are asked only where nothing is configured for the session and this machine is not on AWS. A client asks when it
          # is made, and keeps the session.
          #
          # Inside a `source` or another callable of a session the SDK has its own chain.
          #
          # It is done by one method laid over the SDK's private `Aws::CredentialProviderChain`. Where that is not as in aws-sdk-core 3.168 to
          # 3.264 nothing is changed; a warning and the {doctor} say so.
          #
          # @param session [Session, nil] nil takes it away, from the clients that are made afterwards
          # @return [Boolean] whether aws-sdk-ruby asks it from now on
          # @raise [ConfigurationError] where aws-sdk-core cannot be loaded
          # @raise [ArgumentError] for what is no session
          def default_for_sdk(session)
            session = Internal::Secret.new(session)
            Internal::Lazy.load(Internal, :SdkDefault).give(session)
          end

          # Checks everything that this process needs for an identity, and reports what it found: settings and the origin of each,
          # every source of credentials, the network path to STS, the clock, the identity, the roles, MFA, files and their modes, the
          # cache, LegionIO. A check that fails is a finding, not an exception. Shows no secret.
          #
          #   report = Aws.doctor
          #   puts report
          #   report.problems.each { |problem| warn "#{problem.what} #{problem.remedy}" }
          #
          # Takes about 30 s at most, with `assume` as much again for each of LegionIO's `identity.aws.roles` and `tokens`, plus
          # `process_timeout` where a program is run, and `token_timeout` for an MFA code.
          #
          # @param assume [Boolean] whether to send a real AssumeRole for each role; a `token_provider` is then asked for the MFA codes
          # @param options [Hash{Symbol => Object}] as for {Session#initialize}
          # @return [Doctor::Report]
          # @raise [ArgumentError] for a callback or source among the options that lacks the method it needs
          def doctor(assume: false, **options)
            options = Internal::Secret.new(options)
            Internal::Lazy.load(Aws, :Doctor).examine(options, assume: assume)
          end
        end
      end
    end
  end
end
