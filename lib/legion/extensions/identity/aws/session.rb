# frozen_string_literal: true

require_relative 'caller_identity'
require_relative 'credentials'
require_relative 'log'
require_relative 'native'
require_relative 'redacted'
require_relative 'settings'

module Legion
  module Extensions
    module Identity
      module Aws
        # Credentials and identity for one set of settings, kept fresh by the core.
        #
        # aws-sdk-ruby takes it as a living provider: `Aws::S3::Client.new(credentials: session)`.
        #
        # Thread-safe, and usable on both sides of a fork. A read returns what is held (under a microsecond) and waits only where
        # nothing usable is held; then every thread that asks waits for the same request, with Ruby's lock released, and can be
        # interrupted. Not for Ractors.
        class Session
          include Redacted

          # What is held before the first answer. No serial of the core is 0.
          Nothing = ::Struct.new(:serial, :degraded).new(0, nil).freeze
          private_constant :Nothing

          class << self
            # A session from layers that were collected before. What the core warns of is left to the caller.
            #
            # @api private
            # @param layers [Hash{Symbol => Object}] see {Settings.layers}
            # @return [Session]
            def from_layers(layers)
              allocate.tap { |session| session.__send__(:start, layers, nil) }
            end
          end

          # Settings are read once, here: an option, else LegionIO's `identity.aws.*`, else the environment, else the shared config
          # files. Nothing is asked of AWS yet.
          #
          # @param logger [Logger, nil] where warnings go; nil: {Aws.logger}, else LegionIO's logging, else nowhere
          # @param options [Hash{Symbol => Object}] a nil or blank value is absent
          # @option options [String] :region
          # @option options [String] :profile of the shared config files; nothing else is used then
          # @option options [String, false] :role_arn assumed on top of the base credentials; false: no role, whatever the other
          #   layers say
          # @option options [Integer] :session_duration seconds, 900 to 43200 (3600)
          # @option options [String] :role_session_name
          # @option options [String] :external_id
          # @option options [String] :endpoint URL of STS
          # @option options [Float] :resolve_timeout seconds for all network waits of one fetch together (4)
          # @option options [Float] :connect_timeout seconds
          # @option options [Float] :read_timeout seconds
          # @option options [Float] :negative_ttl seconds that {Identity.resolve} remembers "not on AWS" (60)
          # @option options [Boolean] :name_with_account append the account to the canonical name (false)
          # @raise [ArgumentError] for an option that does not exist, with a suggestion
          # @raise [ConfigurationError] for settings that cannot be used
          # @raise [NotReadyError] for a setting that LegionIO has not resolved yet
          def initialize(logger: nil, **options)
            start(Settings.layers(options), logger)
            warnings.each { |warning| @log.warn(warning) }
          end

          # Who we are, as sts:GetCallerIdentity says. Asked once and remembered while its credentials are in use.
          #
          # @return [CallerIdentity]
          # @raise [Error]
          def identity
            known = @identity
            serial = @native.identity_serial
            known.serial == serial ? known : learn(serial)
          end

          # The newest set. Where it is soon due, one request for the next one is started in the background and the held one is
          # returned.
          #
          # @param fetch [Boolean] false: the held set or nil, without a request and without a wait
          # @return [Credentials]
          # @return [Credentials, nil] with `fetch: false`
          # @raise [Error]
          def credentials(fetch: true)
            return held_set unless fetch

            held = @held
            serial = @native.serial
            held.serial == serial ? held : take(serial)
          end

          # @return [Time, nil] when the set of {#credentials} expires, in UTC; nil for keys that do not
          # @raise [Error]
          def expiration = credentials.expiration

          # @return [Boolean] whether the set of {#credentials} has expired: only an outage makes that possible
          # @raise [Error]
          def expired? = credentials.expired?

          # @return [Boolean] whether there are credentials; false where none are configured
          # @raise [Error] where some are, and they cannot be had
          def set?
            credentials.set?
          rescue NoCredentialsError => _e # the answer, not a failure
            false
          end

          # aws-sdk-core from 3.220 on asks this of what signs its requests.
          #
          # @return [Array<String>] empty
          def metrics = []

          # Fetches a new set, and the identity at its next read. aws-sdk-ruby calls this when a service called the key expired.
          # It joins a request in progress, obeys a running back-off and starts at most one request a second.
          #
          # @return [Credentials]
          # @raise [Error] if it fails
          def refresh!
            take(@native.refresh)
          end

          # Says that a key is no good any more, so that the next read fetches another one.
          #
          # @param access_key_id [String]
          # @return [Boolean] whether it was the key held
          def invalidate(access_key_id) = @native.invalidate(access_key_id)

          # Starts a request if none is in progress, and waits for nothing.
          #
          # @return [Boolean] whether it started one
          def prefetch = @native.prefetch == true

          # @return [Boolean] whether the next read starts a request
          def needs_refresh? = @native.needs_refresh?

          # Has the next {#identity} ask AWS again.
          #
          # @return [void]
          def forget_identity
            @native.forget_identity
            nil
          end

          # @return [Array<Hash>] the sources the last fetch asked, in order: `source`, `outcome` ("found", "absent" or "failed"),
          #   `reason`, `milliseconds`; frozen
          def attempts = @native.attempts

          # @return [Hash{Symbol => Hash}] the settings in force, each with `value` and `origin` (such as "option" or
          #   "environment AWS_REGION"); no secrets
          def settings = @native.settings

          # @return [Array<String>] what is odd about the settings, and was logged when the session was made
          def warnings = @native.warnings

          # @return [Hash{Symbol => Numeric, nil}] flights (requests), cached (answers from memory), failures, back_offs,
          #   last_duration and age (seconds)
          def counters = @native.counters

          # @return [String] what is held, without a wait; no secrets
          def inspect
            "#<#{self.class} access_key_id=#{@native&.held&.fetch(:access_key_id).inspect}>"
          end

          private

          def start(layers, logger)
            @log = Log.new(logger)
            @held = @identity = Nothing
            @native = Native::Session.new(layers)
          end

          # The core has set number `serial`. Another thread may have it invalidated before it is taken: then ask again.
          def take(serial)
            refuse_to_ask(serial) unless serial.is_a?(::Integer)
            held_set || credentials
          end

          def learn(serial)
            refuse_to_ask(serial) unless serial.is_a?(::Integer)
            fields = @native.known
            fields ? (@identity = CallerIdentity.new(fields)) : identity
          end

          # In place of a serial the core may name what its caller has to supply first.
          def refuse_to_ask(needs)
            wanted = needs.select { |_, needed| needed }.keys.join(', ')
            raise ConfigurationError, "A #{wanted} has to be supplied for each request of this session, and it has nobody to ask for it. " \
                                      'Leave out the options token_provider, source and web_identity_token.'
          end

          def held_set
            fields = @native.held
            return unless fields

            held = @held
            held.serial == fields[:serial] ? held : hold(fields)
          end

          # One frozen value with its serial inside, in one instance variable: a reader cannot see half of it.
          def hold(fields)
            held = Credentials.from_native(fields)
            before = @held # right before the write, so that of many threads that come back at once one sees the change
            @held = held
            if held.degraded && !before.degraded
              @log.warn("credentials #{held.access_key_id} could not be renewed and are served on: #{held.degraded}")
            elsif before.degraded && !held.degraded
              @log.info("credentials are renewed again, with #{held.access_key_id}")
            end
            held
          end
        end
      end
    end
  end
end
