# frozen_string_literal: true

require_relative 'caller_identity'
require_relative 'credentials'
require_relative 'internal/lazy'
require_relative 'internal/log'
require_relative 'internal/native'
require_relative 'internal/redacted'
require_relative 'internal/secret'
require_relative 'internal/layers'
require_relative 'internal/fetches'

module Legion
  module Extensions
    module Identity
      module Aws
        # Credentials and identity for the settings given, kept fresh by the core.
        #
        # aws-sdk-ruby takes it as a refreshing credential provider: `Aws::S3::Client.new(credentials: session)`.
        #
        # Thread-safe, and usable on both sides of a fork. A read returns what is held (under a microsecond) and waits only where
        # nothing usable is held; then every thread that asks waits for the same request, with Ruby's lock released, and can be
        # interrupted. Not for Ractors.
        class Session
          include Internal::Redacted

          # The value before the first fetch: its serial is 0, and the core counts from 1.
          NONE = ::Struct.new(:serial, :degraded).new(0, nil).freeze
          # How often a read begins: again where other threads took away what it had fetched, and never without end.
          ROUNDS = 8
          LOCK = ::Mutex.new
          private_constant :NONE, :ROUNDS, :LOCK

          class << self
            # A session from layers that were collected before. To log what is odd about the settings is left to the caller; the session logs
            # what it warns of later.
            #
            # @api private
            # @param layers [Hash{Symbol => Object}] see {Internal::Layers.of}
            # @return [Session]
            def from_layers(layers)
              allocate.tap do |session|
                session.__send__(:start, layers, Internal::Log.new)
                session.__send__(:news)
              end
            end
          end

          # Settings are read once, here: an option, else LegionIO's `identity.aws.*`, else the environment, else the shared config
          # files. Nothing is asked of AWS yet.
          #
          # @param logger [Logger, nil] where warnings go; nil: {Aws.logger}, else LegionIO's logging, else nowhere
          # @param options [Hash{Symbol => Object}] a nil or blank value is absent
          # @option options [String] :region
          # @option options [String] :profile of the shared config files; nothing else is used then. Only one of `profile`,
          #   `credential_source`, `credential_process`, `source` and a web identity token can be given
          # @option options [String] :credential_source this source and no other: "Environment", "EcsContainer" or "Ec2InstanceMetadata"
          # @option options [String] :credential_process the command of a program that prints credentials; it runs without a shell
          # @option options [String, false, Array<String, Hash>] :role_arn assumed on top of the base credentials; false: no role,
          #   whatever the other layers say; a list: each assumed from the one before, a Hash with options of its own
          # @option options [Integer] :session_duration seconds, 900 to 43200 (3600)
          # @option options [String] :role_session_name tells this machine and this gem apart, where none is given
          # @option options [String] :external_id
          # @option options [String, Hash] :policy inline session policy
          # @option options [Integer] :minimum_session_token_size bytes that the session token shall have at least, 0 to 4096
          # @option options [Array<String, Hash>] :policy_arns managed policies that limit the session; a Hash has the ARN as `arn`
          # @option options [Hash{String => String}] :tags of the session
          # @option options [Array<String>] :transitive_tag_keys
          # @option options [String] :source_identity
          # @option options [Array<Hash>] :provided_contexts each with `provider_arn` and `context_assertion`
          # @option options [String] :serial_number of the MFA device whose code the first role needs
          # @option options [#call] :token_provider called with that number, gives the code; on the thread that reads, one at a time,
          #   never in the background. See {TerminalTokenProvider}
          # @option options [String, #call] :web_identity_token a callable is called before each request, on a background thread
          # @option options [String] :web_identity_token_file read again before each request
          # @option options [String] :provider_id of a web identity that is an OAuth 2.0 access token
          # @option options [Session, Credentials, #credentials] :source in place of the other bases; asked before each request
          # @option options [String, Hash] :scope_policy with `source`: the same identity with less power; see {#scoped}
          # @option options [Integer] :scope_duration seconds, at most
          # @option options [String] :scope_description for CloudTrail
          # @option options [Boolean] :get_session_token trade the user's own keys for temporary ones first; then `session_duration`
          #   may be 900 to 129600
          # @option options [Boolean, String] :cache share role sessions with the AWS CLI and other processes: true for
          #   ~/.aws/cli/cache, or an absolute path; `~` is expanded (false)
          # @option options [String] :endpoint URL of STS
          # @option options [String] :ca_bundle path; replaces all other roots
          # @option options [Float] :resolve_timeout seconds for all network waits of one fetch together (4)
          # @option options [Float] :connect_timeout seconds (1.5)
          # @option options [Float] :read_timeout seconds (3)
          # @option options [Float] :process_timeout seconds for a `credential_process`, a callable token and a source (60)
          # @option options [Float] :token_timeout seconds for the token_provider, and for the other readers that wait for it (120)
          # @option options [Float] :advisory_window seconds before the expiration from which credentials are refreshed in the background
          # @option options [Float] :negative_ttl seconds that {Identity.resolve} remembers "not on AWS" (60)
          # @option options [Boolean] :name_with_account append the account to the canonical name (false)
          # @raise [ArgumentError] for an option that does not exist, with a suggestion, and for an object that cannot be called
          # @raise [ConfigurationError] for settings that cannot be used
          # @raise [NotReadyError] for a setting that LegionIO has not resolved yet
          def initialize(logger: nil, **options)
            options = Internal::Secret.new(options)
            start(Internal::Layers.of(options), Internal::Log.new(logger))
            warn_of_news
          end

          # Who we are, as sts:GetCallerIdentity says. Asked once and remembered while its credentials are in use.
          #
          # @return [CallerIdentity]
          # @raise [Error]
          def identity
            known = @identity
            serial = @native.identity_serial
            known.serial == serial ? known : load_identity(serial)
          end

          # The newest credentials. Where they are soon due, one fetch of the next ones is started in the background and the held ones
          # are returned.
          #
          # @param fetch [Boolean] false: the held credentials or nil, without a request and without a wait
          # @return [Credentials]
          # @return [Credentials, nil] with `fetch: false`
          # @raise [Error]
          def credentials(fetch: true)
            return cached unless fetch

            held = @cached
            serial = @native.serial
            held.serial == serial ? held : refresh_cached(serial)
          end

          # @return [Time, nil] when {#credentials} expire, in UTC; nil for keys that do not
          # @raise [Error]
          def expiration = credentials.expiration

          # @return [Boolean] whether {#credentials} have expired: only an outage makes that possible
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

          # Fetches new credentials, and the identity at its next read. aws-sdk-ruby calls this when a service called the key expired.
          # It joins a request for credentials in progress and starts at most one a second. While a back-off runs, good credentials are
          # returned as they are, and expired ones are asked for again.
          #
          # @return [Credentials]
          # @raise [Error] if it fails
          def refresh! = refresh_cached(@fetches.run(:refresh))

          # Says that a key is no good any more, so that the next read fetches another one.
          #
          # @param access_key_id [String]
          # @return [Boolean] whether it was the key held
          def invalidate(access_key_id) = @native.invalidate(access_key_id).tap { @listeners&.ring }

          # Replaces the token of a session made with `web_identity_token`, from the next request on.
          #
          # @param token [String]
          # @raise [ArgumentError] for what is no String
          # @raise [ConfigurationError] where the session has none
          def web_identity_token=(token)
            token = Internal::Secret.new(token)
            raise ::ArgumentError, "web_identity_token= takes a String, and was given #{token.value.class}." unless token.text?

            @native.web_identity_token = token.value
          end

          # A session on top of this one, which it asks for its base credentials. Region, endpoint and time-outs are those of this one, its
          # profile's and IMDS's included, unless given.
          #
          # @param role_arn [String, Array<String, Hash>]
          # @param logger [Logger, nil] nil: that of this session
          # @param options [Hash{Symbol => Object}] as for {#initialize}
          # @return [Session]
          # @raise [ArgumentError, ConfigurationError]
          def assume_role(role_arn:, logger: nil, **options)
            options = Internal::Secret.new({ **options, role_arn: role_arn, source: self })
            role_arn = options.part(:role_arn)
            raise ::ArgumentError, "role_arn is #{role_arn.value.inspect}; assume_role takes the ARN of a role, or a list of them." unless role_arn.value

            child(options, logger)
          end

          # A session of the same identity that may do less (sts:GetScopedCredentials): what both `policy` and this session's permissions
          # allow. Nothing is asked yet. Region, endpoint and time-outs are those of this one.
          #
          # It asks STS once for each credentials of this session, and has this one refreshed first where they end together. A session
          # can be scoped three times, one on top of the other. STS scopes temporary credentials only: with keys of a user make this
          # session with `get_session_token: true`.
          #
          # @param policy [String, Hash] IAM policy, up to 2048 characters
          # @param duration_seconds [Integer, nil] 1 to 129600, at most: less where this session's credentials have less left; nil: as
          #   long as they
          # @param description [String, nil] for CloudTrail, 2 to 256 characters
          # @return [Session]
          # @raise [ArgumentError] without a policy
          # @raise [ConfigurationError] for what STS does not take
          # @see file:docs/tokens.md
          # @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html
          def scoped(policy:, duration_seconds: nil, description: nil)
            options = Internal::Secret.new({ scope_policy: policy, scope_duration: duration_seconds, scope_description: description, source: self })
            policy = options.part(:scope_policy)
            unless policy.value.is_a?(::Hash) || (policy.text? && !policy.blank?)
              given = policy.blank? ? 'blank' : "of class #{policy.value.class}"
              raise ::ArgumentError, "policy is #{given}; scoped takes an IAM policy, as JSON text or a Hash."
            end

            child(options)
          end

          # Calls the block with each change, on one thread that exists only while the session has listeners. That thread also refreshes
          # credentials in time where no read does, but never prompts for an MFA code. A slow block delays both. Listeners do not survive
          # a fork.
          #
          # @yieldparam event [ChangeEvent]
          # @return [Subscription] to stop listening
          # @raise [ArgumentError] without a block
          # @raise [Error] in a trap handler
          def on_change(&block)
            raise ::ArgumentError, 'on_change takes a block.' unless block

            listeners.add(block)
          rescue ::ThreadError => e
            raise Error, "on_change cannot be called here: #{e.message}. Call it outside of trap handlers."
          end

          # Starts a request if none is in progress and one is due, and does not wait for AWS. A token_provider is asked now, on this
          # thread, unless AWS has to answer first: then it is asked at the next read.
          #
          # @return [Boolean] whether it started one
          # @raise [Error] where nothing could be sent
          def prefetch = @fetches.run(:prefetch).tap { @listeners&.ring }

          # A JSON Web Token, signed by AWS, that says who this process is: `sub` is its ARN, `iss` an address of AWS with the keys to check
          # it. Systems that take OpenID Connect tokens take it, such as Vault, Entra, RabbitMQ on Amazon MQ, and other clouds.
          #
          # The token is kept, and asked for anew in the last minute of its life (in the last fifth of a shorter one); through an outage
          # the kept one is given. Each request that differs is kept apart, 64 of them. All are dropped by {#invalidate},
          # {#forget_identity}, {#web_identity_token=}, changed files, and in a forked child. A refusal is remembered for 60 seconds.
          #
          # @param audience [String, Array<String>] up to ten systems that are to take it
          # @param duration_seconds [Integer] 60 to 3600, at most: less where the credentials have less left
          # @param signing_algorithm [String] RS256 or ES384
          # @param tags [Hash{String, Symbol => String}] claims of your own, which need sts:TagGetWebIdentityToken
          # @return [Token] of kind `:identity`
          # @raise [ArgumentError] for what STS does not take
          # @raise [AccessDeniedError] where the policy does not allow sts:GetWebIdentityToken, or the account has not switched it on
          # @raise [Error]
          # @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
          def identity_token(audience:, duration_seconds: 300, signing_algorithm: 'RS256', tags: {})
            audience = Internal::Secret.new([*audience])
            tags = Internal::Secret.new(tags)
            words = { duration_seconds: duration_seconds, signing_algorithm: signing_algorithm }
            identity_token_of(Internal::Secret.new({ audience: audience.value, tags: tags.value, **words }))
          end

          # {#identity_token} with the words of a setting or of a command line, which the core checks.
          #
          # @api private
          # @param words [Internal::Secret] a Hash
          # @return [Token]
          # @raise [ArgumentError, Error]
          def identity_token_of(words)
            Internal::Native.check_token('identity', words.value)
            @fetches.run(:lasting)
            Internal::OwnThread.wait { @native.identity_token(words.value) }.then { |fields| Internal::Lazy.load(Aws, :Token).new(**fields) }
          end

          # A token that another system takes as proof of who this process is: a request to AWS, presigned here with {#credentials}. No
          # request is sent.
          #
          # - `:eks`: `cluster:`; the bearer token of Kubernetes on EKS, good for 14 minutes
          # - `:rds`: `host:`, `port:`, `user:`; the password of a database user, good for 15 minutes, as all below are
          # - `:dsql`: `host:`, `admin: false`
          # - `:elasticache`: `name:` of the cache, `user:`, `serverless: false`
          # - `:memorydb`: `name:` of the cluster, `user:`
          # - `:msk`: the OAUTHBEARER token of Kafka
          # - `:bedrock`: `duration_seconds: 43200`; an API key
          #
          # It ends with the credentials where they expire earlier; where they have less than a minute left they are refreshed first.
          #
          # @param kind [Symbol, String]
          # @param region [String, nil] of the other system; nil: the region of this session, which is its partition's default (us-east-1)
          #   where none is configured
          # @param words [Hash{Symbol => Object}] what the kind takes
          # @return [Token]
          # @raise [ArgumentError] for an unknown kind, and for words that are unknown, missing or of another type
          # @raise [Error] where there are no credentials
          # @see file:docs/tokens.md
          def token_for(kind, region: nil, **words)
            words = Internal::Secret.new(words)
            Internal::Native.check_token(kind.to_s, words.value)
            @fetches.run(:lasting)
            Internal::Lazy.load(Aws, :Token).new(**@native.presigned(kind.to_s, words.value, region&.to_s))
          end

          # The variables that give a child process {#credentials}, as `spawn`, `system` and `Open3` take them:
          #
          #   system(session.env, 'aws', 's3', 'ls')
          #
          # Keys, region and expiration are set; each variable that would choose another identity in the child is nil, which unsets it
          # there. The child does not refresh them.
          #
          # @return [Hash{String => String, nil}] frozen, printed without its values
          # @raise [Error]
          def env = Internal::Lazy.load(Internal, :ChildEnvironment).new(credentials)

          # @return [Boolean] whether the next read starts a request
          def needs_refresh? = @native.needs_refresh?

          # How often a file that a fetch had read was found changed: compared at most once a second.
          #
          # @api private
          # @return [Integer]
          def file_changes = @native.file_changes

          # Has the next {#identity} ask AWS again, and {#identity_token} too, which some systems take once only.
          #
          # @return [void]
          def forget_identity
            @native.forget_identity
            nil
          end

          # @return [Array<Hash>] the sources the last fetch asked, in order: `source`, `outcome` ("found", "absent" or "failed"),
          #   `reason`, `milliseconds`; frozen
          def attempts = @native.attempts

          # @return [Hash{Symbol => Hash}] every setting in force, each with `value` and `origin` (such as "option" or
          #   "environment AWS_REGION"); of a secret the value is "set"
          def settings = @native.settings

          # @return [Array<String>] what is odd about the settings, and what failed so far without failing a request, such as a cache that
          #   is not used; each was logged once
          def warnings = @native.warnings

          # How this session has been doing. Read without a lock.
          #
          # - `fetches`: fetches that were started (each may hold several calls of AWS)
          # - `cached`: reads of credentials that waited for nothing
          # - `failures`: requests that failed
          # - `back_offs`: times that AWS was not asked for a while after a failure
          # - `last_duration`: seconds the last request took, or nil
          # - `age`: seconds since the held credentials were fetched, or nil
          #
          # @return [Hash{Symbol => Numeric, nil}] frozen
          def counters = @native.counters

          # @return [String] what is held, without a wait; no secrets
          def inspect
            "#<#{self.class} access_key_id=#{@native&.held&.fetch(:access_key_id).inspect}>"
          end

          private

          # A session that has this one as its source, and what is inherited of it.
          def child(options, logger = nil)
            layers = Internal::Layers.of(options).merge(inherited: @native)
            Session.allocate.tap do |session|
              session.__send__(:start, layers, logger ? Internal::Log.new(logger) : @log)
              session.__send__(:warn_of_news)
            end
          end

          def start(layers, log)
            @log = log
            @cached = @identity = NONE
            callbacks, layers = Internal::Layers.callbacks_out_of(layers)
            @native = Internal::Native::Session.new(Internal::Layers.opened(layers))
            @fetches = Internal::Fetches.new(@native, callbacks)
          end

          # Made by the first on_change. ChangeEvent is named first, so that its `autoload` hides it until it is complete.
          def listeners
            Internal::Lazy.load(Aws, :ChangeEvent)
            type = Internal::Lazy.load(Internal, :Listeners)
            LOCK.synchronize { @listeners ||= type.new(@native, @fetches, @log) }
          end

          # Reads newer credentials from the core, after a fetch where there is no `serial`.
          def refresh_cached(serial)
            in_rounds do
              @fetches.run(:credentials) unless serial
              fetched = cached
              serial = @native.serial unless fetched
              fetched
            end
          end

          def load_identity(serial)
            in_rounds do
              @fetches.run(:identity) unless serial
              fields = @native.known
              serial = @native.identity_serial unless fields
              fields && (@identity = CallerIdentity.new(**fields))
            end
          end

          # Yields until the block returns something.
          def in_rounds
            ROUNDS.times do
              found = yield
              return found if found
            end
            raise NoCredentialsError, "#{ROUNDS} times what was fetched was gone before it could be read. " \
                                      'Check the lifetime of the credentials, and what calls invalidate or forget_identity.'
          end

          def cached
            fields = @native.held
            return unless fields

            held = @cached
            held.serial == fields[:serial] ? held : cache(fields)
          end

          def warn_of_news = news.each { |warning| @log.warn(warning) }

          # The warnings since the last call.
          def news
            all = warnings
            fresh = all.drop(@told || 0)
            @told = all.size
            fresh
          end

          # One frozen value with its serial inside, in one instance variable: a reader cannot see half of it.
          def cache(fields)
            held = Credentials.from_native(fields)
            before = @cached # right before the write, so that of many threads returning at once one logs the change
            @cached = held
            warn_of_news # such as a cache that is not used
            @log.warn("credentials #{held.access_key_id} could not be renewed and are served on: #{held.degraded}") if held.degraded && !before.degraded
            @log.info("credentials are renewed again, with #{held.access_key_id}") if before.degraded && !held.degraded
            @listeners&.ring
            held
          end
        end
      end
    end
  end
end
