# frozen_string_literal: true

require_relative 'errors'
require_relative 'lease'
require_relative 'living_credentials'
require_relative 'log'
require_relative 'redacted'
require_relative 'session_keeper'

module Legion
  module Extensions
    module Identity
      module Aws
        # The verbs of LegionIO's provider contract, for the settings in force. {Identity} speaks for the process's one.
        #
        # @api private
        class Provider
          include Redacted

          # "Not on AWS", as `session` found.
          Absence = ::Struct.new(:session, :until)
          # The last good answer, which an outage does not take away while its credentials live.
          Answer = ::Struct.new(:session, :identity, :expiration)
          private_constant :Absence, :Answer

          # @return [LivingCredentials] always the same
          attr_reader :current_credentials

          # @param options [Hash{Symbol => Object}] explicit options of the Session
          def initialize(**options)
            @keeper = SessionKeeper.new(**options)
            @current_credentials = LivingCredentials.new(@keeper)
            @log = Log.new
            @absence = @answer = @complaint = nil
          end

          # @see Identity.resolve
          def resolve
            session = @keeper.current
            identity = identity_of(session) unless absent?(session)
            identity && describe(identity)
          rescue NotReadyError => e
            complain(e)
            nil
          rescue ::StandardError => e # whatever it is, LegionIO's Resolver logs it nowhere
            complain(e)
            raise
          end

          # @see Identity.provide_token
          def provide_token
            lease = Lease.of(@keeper.read(&:credentials))
            @absence = nil
            lease
          end

          # @see Identity.refresh
          def refresh
            @absence = nil
            @keeper.current.forget_identity
          rescue ::StandardError => e # LegionIO's reload would stop half-way; the next resolve says it aloud
            @log.debug("refresh: #{e.message}")
            nil
          end

          # @return [Hash{Symbol => Object}] the values in force
          # @raise [ConfigurationError]
          def settings = @keeper.current.settings.transform_values { |setting| setting[:value] }

          # @return [String]
          def inspect = "#<#{self.class} #{@keeper.held.inspect}>"

          private

          def identity_of(session)
            identity = session.identity
            @answer = Answer.new(session, identity, session.credentials(fetch: false)&.expiration)
            @absence = @complaint = nil
            identity
          rescue NotOnAwsError => e
            not_on_aws(session, e)
          rescue Error => e
            @answer = nil unless e.outage? # a refusal ends it for good
            answer = @answer
            raise unless answer && serves?(answer, session)

            complain(e, "AWS cannot be asked again, #{answer.identity.canonical_name} stays: ")
            answer.identity
          end

          def serves?(answer, session)
            session.equal?(answer.session) && (answer.expiration.nil? || ::Time.now < answer.expiration)
          end

          def absent?(session)
            absence = @absence
            !absence.nil? && absence.session.equal?(session) && now < absence.until
          end

          def not_on_aws(session, error)
            @absence = Absence.new(session, now + session.settings.dig(:negative_ttl, :value))
            @log.debug(error.message)
            nil
          end

          # LegionIO asks twice a boot, and again at each retry: the same cause is worth one line.
          def complain(error, opening = 'no AWS identity: ')
            cause = [error.class, opening, *(cause_of(error) if error.is_a?(Error))]
            return if cause == @complaint

            @complaint = cause
            @log.warn("#{opening}#{error.message}")
          end

          # The message would not do: it holds times and request ids.
          def cause_of(error) = [error.code, error.status, error.attempts.map { |attempt| attempt.values_at(:source, :outcome) }]

          def describe(identity)
            {
              canonical_name:    identity.canonical_name,
              kind:              :machine,
              source:            :aws,
              provider_identity: identity.provider_arn,
              persistent:        true,
              groups:            [],
              metadata:          {
                account_id:        identity.account,
                arn:               identity.arn,
                user_id:           identity.user_id,
                partition:         identity.partition,
                region:            identity.region,
                principal_kind:    identity.kind,
                role:              identity.role,
                session_name:      identity.session_name,
                credential_source: identity.source
              }
            }
          end

          def now = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
        end
      end
    end
  end
end
