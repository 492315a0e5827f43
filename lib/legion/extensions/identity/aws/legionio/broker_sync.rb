# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/background_job'
require_relative '../internal/layers'
require_relative '../internal/log'
require_relative '../internal/warn_once'
require_relative 'broker_entries'
require_relative 'credentials_for_patch'
require_relative 'event_forwarder'
require_relative 'role_provider'
require_relative 'roles'
require_relative 'runtime'
require_relative 'sdk_setting'
require_relative 'switches'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          autoload :TokenProvider, "#{__dir__}/token_provider.rb"
          autoload :Tokens, "#{__dir__}/tokens.rb"

          # Keeps LegionIO in line with the settings: its Broker holds a lease of the process's own credentials, of each role and of each
          # token, its Resolver the name that goes with them.
          #
          # {#wake} is the only entry point. It compares and returns; slow work is done on one background thread, which exits once all is
          # equal. Only the first lease of the process's own credentials is made in line, so that Broker has it as soon as LegionIO has a name.
          #
          # @api private
          class BrokerSync
            # What Broker has to hold under a qualifier: a lease from `provider`. Broker asks `registered` for the next one; `label` is its
            # name in the log.
            Entry = ::Struct.new(:label, :qualifier, :provider, :registered)
            # Seconds between two looks at the files of the sessions while a failed try is followed by a pause.
            LOOK = 0.5
            private_constant :Entry, :LOOK

            # @param identity [Object] the object that Broker asks for the process's own credentials
            # @param provider [Provider] of the process's own credentials
            # @param vault [#wake, nil]
            def initialize(identity, provider, vault = nil)
              @log = Internal::Log.new
              @provider = provider
              @vault = vault
              @told = provider.answered || (false if provider.failed?) # by a resolve from before this was loaded
              @own = Entry.new('The AWS credentials', BrokerEntries::DEFAULT, provider, identity)
              @roles = {}
              @tokens = {}
              @making = ::Mutex.new
              @sdk = SdkSetting.new(provider.current_credentials(self))
              @broker = BrokerEntries.new(identity)
              @patch = CredentialsForPatch.new(@broker)
              @events = EventForwarder.new
              @leasing = ::Mutex.new
              @job = Internal::BackgroundJob.new(@log) { |job| work(job) }
              @warnings = Internal::WarnOnce.new(@log)
            end

            # Compares, and starts the background job where something differs. Called at each use. Never raises. Does nothing before the first
            # resolve, nor where that found this machine not on AWS.
            #
            # @param told [Session, false, nil] from inside a resolve: the session whose identity is the answer, false where there is none
            # @param lease [Lease, nil] a new lease of the process's own credentials, which the renewer that asked for it is about to hold
            # @return [void]
            def wake(told: nil, lease: nil)
              @told = told unless told.nil?
              @newest_key = lease.credential if lease
              return if @told.nil?

              @vault&.wake
              return unless @broker.broker?

              lease_in_line if told
              settings = [Internal::Layers.setting(:identity, :aws), Internal::Layers.setting(:extensions, :identity, :aws)].hash
              state = [@told, @provider.session, settings, @newest_key]
              return if (state == @settled && @broker.intact?) || (state == @seen && @job.running?)

              start(state) unless Runtime.shutting_down?
            rescue ::StandardError => e # an error in here must not cost a caller its credentials
              @log.debug("#{e.class}: #{e.message}")
            end

            # A role keeps its provider for the life of the process, so that credentials handed out earlier follow changed settings.
            #
            # @param name [Symbol] of one of `identity.aws.roles`
            # @return [RoleProvider]
            # @raise [Error] in a trap handler, at the first use of the role
            def role(name)
              @roles[name] || @making.synchronize do
                @roles = { name => RoleProvider.new(name, self, @provider), **@roles }.freeze
                @roles.fetch(name)
              end
            rescue ::ThreadError => e
              raise Error, "The role #{name} cannot be used for the first time here: #{e.message}. Ask for it once outside of trap handlers."
            end

            # Has aws-sdk-ruby use the credentials, where the settings say so.
            #
            # @return [void]
            def apply_sdk_default
              @sdk.apply
            rescue ::StandardError => e
              warn_once("identity.aws.sdk_default could not be applied: #{e.class}: #{e.message}", [:sdk, e.class])
            end

            private

            def start(state)
              @patch.install
              @seen = state
              @job.run
            end

            def lease_in_line
              return if @broker.renewer(BrokerEntries::DEFAULT) || Runtime.shutting_down? || !@leasing.try_lock

              begin
                lease(@own)
              ensure
                @leasing.unlock
              end
            rescue ::StandardError => e # LegionIO gets its name without a lease, too
              @log.warn("the AWS credentials could not be leased: #{e.class}: #{e.message}")
            end

            def work(job)
              backoff = Internal::Backoff.new
              pause(job, backoff.next, file_changes) if @provider.failed? # AWS has just been asked, so the first try waits, too
              loop do
                before = file_changes
                break if Runtime.shutting_down? || all_equal?

                backoff = Internal::Backoff.new if pause(job, backoff.next, before)
              end
            end

            # Waits up to `seconds`, less where {#wake} has something new or a file was changed: it may be what made AWS refuse.
            #
            # @return [Boolean] whether it was less
            def pause(job, seconds, before)
              limit = Internal::Monotonic.now + seconds
              while (left = limit - Internal::Monotonic.now).positive?
                return true if job.wait_for([left, LOOK].min) || file_changes != before
              end
              false
            end

            def file_changes
              [@provider, *@roles.each_value.map(&:provider)].sum { |provider| provider.session&.file_changes || 0 }
            end

            # Tries the name and every lease, also where one of them fails.
            def all_equal?
              state = @seen
              [Switches.problem, Roles.problem, (Tokens.problem if tokens?)].each { |problem| warn_once(problem) }
              apply_sdk_default
              wanted = self.wanted
              (@broker.qualifiers - wanted.map(&:qualifier)).each { |qualifier| withdraw(qualifier) }
              equal = [wanted.empty? || named?, *wanted.map { |entry| leased?(entry) }].all?
              @settled = state if equal && @patch.notify(@newest_key)
              equal
            rescue ::StandardError => e # raised by LegionIO; the next round tries again
              warn_once("LegionIO's Broker could not be told: #{e.class}: #{e.message}", [:broker, e.class])
              false
            end

            # @return [Array<Entry>]
            def wanted = Runtime.enabled? ? [@own, *wanted_roles, *wanted_tokens] : []

            # Neither a role nor a token where both have one name: who asks for the token must not get a key id.
            def wanted_roles
              names = tokens? ? Roles.names - Tokens.clashes : Roles.names
              names.map { |name| Entry.new("identity.aws.roles.#{name}", name, role(name).provider, role(name)) }
            end

            def wanted_tokens
              tokens? ? Tokens.names.map { |name| Entry.new("identity.aws.tokens.#{name}", name, token(name), token(name)) } : []
            end

            # Most settings have none, so {Tokens} is loaded where they do.
            def tokens? = !Internal::Layers.own_setting(:tokens).value.nil?

            # Only the background job asks.
            def token(name)
              @tokens[name] ||= TokenProvider.new(name, self) { |role| role ? role(role).provider : @provider }
            end

            # @return [Boolean] whether LegionIO has the name, or there is none to give
            def named?
              return true if @told.equal?(session_in_force)

              answer = @provider.resolve
              return !@provider.failed? unless answer
              return Runtime.ready? && resolve_anew unless Runtime.knows?(answer)

              @told = @provider.answered
              true
            rescue Error => _e # the provider has logged it
              false
            rescue ::StandardError => e
              warn_once("LegionIO could not resolve anew: #{e.class}: #{e.message}", [:resolver, e.class])
              false
            end

            def session_in_force
              @provider.current
            rescue Error => _e # resolve raises the same and logs it
              nil
            end

            # LegionIO asks all its providers again, {Identity.resolve} among them.
            def resolve_anew
              Runtime.resolve!
              @told = @provider.answered unless @provider.failed?
              !@provider.failed?
            end

            def leased?(entry)
              session = entry.provider.current
              @leasing.synchronize { lease(entry) unless held?(entry) }
              @events.forward(entry.qualifier, session) unless @tokens.value?(entry.provider) # they are its role's
              true
            rescue ::StandardError => e
              give_up(entry, e)
              false
            end

            # @return [Boolean] whether Broker holds a lease of the settings that were compared last
            def held?(entry) = @broker.leased?(entry.qualifier, entry.registered) { |lease| entry.provider.leased?(lease) }

            def lease(entry)
              lease = entry.provider.provide_token
              @broker.register(entry.qualifier, entry.registered, lease)
              @newest_key = lease.credential if own?(entry)
              @warnings.forget { |cause| cause.first == entry.qualifier }
            end

            # Withdraws a lease of superseded settings, which Broker would go on handing out.
            def give_up(entry, error)
              withdraw(entry.qualifier) unless held?(entry)
              return if own?(entry) && @provider.failed? # the provider has logged it

              opening = "#{entry.label} cannot be leased: " unless error.message.start_with?(entry.label)
              warn_once("#{opening}#{error.message}", [entry.qualifier, error.class, cause_of(error)])
            end

            # What makes two errors of a class the same. Other messages differ in times and request ids.
            def cause_of(error)
              return error.message if error.is_a?(ConfigurationError)

              error.code if error.is_a?(Error)
            end

            def withdraw(qualifier)
              @events.stop(qualifier)
              @broker.withdraw(qualifier)
            end

            def own?(entry) = entry.qualifier == BrokerEntries::DEFAULT

            # Logs each cause once; a lease that succeeds clears the causes of its qualifier.
            def warn_once(message, cause = [message])
              @warnings.warn(message, cause) if message
            end
          end
        end
      end
    end
  end
end
