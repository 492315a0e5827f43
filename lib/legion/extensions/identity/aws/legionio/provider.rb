# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/layers'
require_relative '../internal/lazy'
require_relative '../internal/log'
require_relative '../internal/monotonic'
require_relative '../internal/redacted'
require_relative 'current_session'
require_relative 'runtime'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Implements LegionIO's provider contract for one session in force: that of the process, which {Identity} exposes, or that of a role.
          #
          # @api private
          class Provider
            include Internal::Redacted

            # `session` found that this machine is not on AWS; remembered until `until`.
            Absence = ::Struct.new(:session, :until)
            # The identity that `session` resolved.
            Answer = ::Struct.new(:session, :identity)
            private_constant :Absence, :Answer

            # @see CurrentSession#initialize
            def initialize(...)
              @current_session = CurrentSession.new(...)
              @log = Internal::Log.new
              @answer = @last_good = @absence = @complaint = @announced = nil
            end

            # @return [Hash{Symbol => Object}, nil] as {Identity.resolve} gives it
            # @raise [Error]
            def resolve
              session = @current_session.current
              identity = absent?(session) ? nil : identity_of(session)
              @answer = identity && Answer.new(session, identity)
              @failed = false
              identity && describe(identity)
            rescue NotReadyError => e
              fail_with(e)
              nil
            rescue ::StandardError => e # logged here, since LegionIO's Resolver does not log it
              fail_with(e)
              raise
            end

            # @return [Boolean] whether the last {#resolve} failed; "not on AWS" is no failure
            def failed? = @failed == true

            # @return [Lease] as {Identity.provide_token} gives it
            # @raise [Error]
            def provide_token = lease { |session| Internal::Lazy.load(Aws, :Lease).of(session.credentials, session: session) }

            # @yieldparam session [Session] the one in force; yields again where the settings changed meanwhile
            # @yieldreturn [Legion::Identity::Lease]
            # @return [Legion::Identity::Lease]
            # @raise [Error]
            def lease(&)
              lease = @current_session.read(&)
              @absence = nil
              lease
            rescue ::ScriptError, ::NoMemoryError, ::SecurityError, ::SystemStackError => e
              # LegionIO's renewer rescues StandardError only: any of these would stop its thread for good, and make the shutdown raise.
              raise InternalError, "No lease: #{e.class}: #{e.message}"
            end

            # @return [CallerIdentity, nil] what the last {#resolve} found; nil where it found nothing
            def answer = @answer&.identity

            # @return [Session, nil] what found it
            def answered = @answer&.session

            # @return [Session] the one in force
            # @raise [ConfigurationError]
            def current = @current_session.current

            # @return [Session, nil] the one that was in force when the settings were last compared
            def session = @current_session.held

            # @param lease [Object, nil]
            # @return [Boolean] whether it is a lease of {session}
            def leased?(lease) = lease.is_a?(Lease) && lease.of?(session)

            # @param sync [#wake, nil] is woken each time the settings have been compared for a reader
            # @return [RefreshingCredentials]
            def current_credentials(sync = nil) = RefreshingCredentials.new(@current_session, sync)

            # Implements {Identity.refresh}.
            #
            # @return [nil]
            def refresh
              @absence = nil
              @current_session.current.forget_identity
            rescue ::StandardError => e # raising would stop LegionIO's reload half-way; the next resolve raises and logs it
              @log.debug("refresh: #{e.message}")
              nil
            end

            # @return [Hash{Symbol => Object}] the values in force
            # @raise [ConfigurationError]
            def settings = @current_session.current.settings.transform_values { |setting| setting[:value] }

            # @return [String]
            def inspect = "#<#{self.class} #{@current_session.held.inspect}>"

            private

            def identity_of(session)
              identity = session.identity
              @last_good = Answer.new(session, identity)
              @absence = @complaint = nil
              announce(identity)
              identity
            rescue NotOnAwsError => e
              not_on_aws(session, e)
            rescue Error => e
              @last_good = nil unless e.outage?
              good = @last_good
              raise unless good && still_good?(good, session)

              complain(e, "AWS cannot be asked again, #{good.identity.canonical_name} stays: ")
              good.identity
            end

            # Whether the last good identity still applies: same session, and its credentials have not expired.
            def still_good?(good, session)
              credentials = session.credentials(fetch: false)
              session.equal?(good.session) && !credentials.nil? && !credentials.expired?
            end

            def absent?(session)
              absence = @absence
              !absence.nil? && absence.session.equal?(session) && Internal::Monotonic.now < absence.until
            end

            def not_on_aws(session, error)
              @absence = Absence.new(session, Internal::Monotonic.now + session.settings.dig(:negative_ttl, :value))
              asked_for?(session) ? complain(error) : @log.debug(error.message)
              nil
            end

            # Whether the configuration says more than where to ask: then a machine without credentials is worth a warning.
            def asked_for?(session)
              return true if session.settings.dig(:role_arn, :value)

              %i[roles tokens vault].any? { |name| given?(Internal::Layers.own_setting(name)) }
            end

            def given?(setting) = setting.value.is_a?(::Hash) ? !setting.value.empty? : !!setting.value

            def fail_with(error)
              @answer = nil
              @failed = true
              complain(error)
            end

            # Logs a cause once, since LegionIO resolves twice a boot and again at each retry.
            def complain(error, opening = 'no AWS identity: ')
              cause = [error.class, opening, *(cause_of(error) if error.is_a?(Error))]
              return if cause == @complaint

              @complaint = cause
              @log.warn("#{opening}#{error.message}")
            end

            # What makes two errors the same; their messages differ in times and request ids.
            def cause_of(error) = [error.code, error.status, error.attempts.map { |attempt| attempt.values_at(:source, :outcome) }]

            def announce(identity)
              return if @announced == identity.provider_arn

              first = @announced.nil?
              @announced = identity.provider_arn
              @log.info("this process is #{identity.canonical_name} in account #{identity.account} " \
                        "(#{identity.source}, #{identity.milliseconds} ms)#{hint if first && Runtime.late?}")
            end

            def hint
              '. LegionIO loaded this gem in phase 1, beside all other extensions; to have the name before they start, ' \
                "run lex-identity-aws legionio --write, or put #{PhaseZero.json} into its settings"
            end

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
          end
        end
      end
    end
  end
end
