# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/lazy'
require_relative '../internal/native'
require_relative 'provider'
require_relative 'runtime'

module Legion
  module Extensions
    module Identity
      module Aws
        # LegionIO's identity provider: who this machine is in AWS, and its credentials.
        #
        # Settings are compared at each use, so a changed `identity.aws` takes effect without a reload.
        module Identity
          PROVIDER = LegionIO::Provider.new
          %i[CREDENTIALS PROFILE SYNC].each { |name| autoload name, "#{__dir__}/identity_sync.rb" }
          private_constant :PROVIDER, :CREDENTIALS, :PROFILE, :SYNC

          class << self
            # These two come first: a thread may call {resolve} while another one loads this file.

            # Loads what {resolve} does without, the roles among it.
            #
            # @return [LegionIO::BrokerSync]
            # @raise [Error] in a trap handler, if it is not loaded yet
            def load_rest = Internal::Lazy.load(Identity, :SYNC)

            # Without LegionIO there is no Broker to keep in line, so nothing is loaded for it.
            #
            # @param news [Hash] as {LegionIO::BrokerSync#wake} takes it
            # @return [void]
            def wake(**news)
              SYNC.wake(**news) if defined?(::Legion::Identity)
            rescue ::ThreadError, ::NameError => e
              # A trap handler, where nothing can be loaded, or one that interrupted the loading: the next call wakes it.
              raise if e.is_a?(::NameError) && e.name != :SYNC
            end
            private :load_rest, :wake

            # @return [Symbol] `:aws`
            def provider_name = :aws

            # @return [Symbol] `:auth`
            def provider_type = :auth

            # @return [Symbol] `:machine`
            def facing = :machine

            # @return [Integer] the highest provider that answers names the process
            def priority = 90

            # @return [Integer] among equals the lowest wins
            def trust_weight = 100

            # @return [Symbol] `:verified`: STS said it
            def trust_level = :verified

            # @return [Array<Symbol>]
            def capabilities = %i[authenticate credentials]

            # Asks AWS who this machine is. A good answer is remembered while its credentials are valid; of failures only "not on AWS"
            # is, for `negative_ttl`. Inside LegionIO it takes 4 s at most, leases the credentials to its Broker, and after a failure is
            # tried again in the background.
            #
            # @param canonical_name [String, nil] given by LegionIO to some providers; this one finds the name
            # @return [Hash{Symbol => Object}] `canonical_name`, `kind`, `source`, `provider_identity`, `persistent`, `groups`,
            #   `metadata`; no secrets
            # @return [nil] if nothing is configured and the instance metadata service is disabled, refused or silent; if a setting
            #   is not resolved yet; or if the settings say `enabled: false`
            # @raise [Error] else, after one warning for each cause
            def resolve(canonical_name: nil)
              enabled = LegionIO::Runtime.enabled?
              answer = PROVIDER.resolve if enabled
            ensure
              wake(told: answer ? PROVIDER.answered : (false if !enabled || PROVIDER.failed?))
            end

            # Leases the credentials in force. Where an outage leaves only expired ones, the lease is not valid and says why.
            #
            # @return [Lease] the access key id as its credential; `credentials` has all of them
            # @raise [Error]
            def provide_token
              raise ConfigurationError, 'No lease: the settings say enabled: false.' unless LegionIO::Runtime.enabled?

              lease = PROVIDER.provide_token
            ensure
              wake(lease: lease)
            end

            # Returns at once, always the same object: it has the newest credentials at each use, and follows changed settings. Its readers
            # wait and raise as a {Session}'s.
            #
            # @return [LegionIO::RefreshingCredentials]
            # @raise [Error] in a trap handler, if it is the first use outside LegionIO
            def current_credentials
              load_rest
              CREDENTIALS
            end

            # Has the next {resolve} ask AWS again, and forgets "not on AWS". In an outage the last good answer is then served on,
            # after a refusal never. Does not wait, and never raises.
            #
            # @return [nil]
            def refresh
              PROVIDER.refresh
            ensure
              wake
            end

            # Which of the roles in `identity.aws.roles` is meant. Never raises in LegionIO.
            #
            # @param for_context [Symbol, String, Hash, Object] the name of the role, or a Hash with it as `role` or `qualifier`
            # @return [Symbol, nil] the name that was given, a role or not; nil where none is: the process's own credentials
            def resolve_qualifier(for_context)
              load_rest
              LegionIO::Roles.qualifier(for_context)
            end

            # The Session in force: for {Session#identity_token}, {Session#token_for}, {Session#env} and {Session#assume_role}. Changed
            # settings replace it, so ask for it at each use.
            #
            # @param qualifier [Symbol, String] `:default`: the process's own; else one of `identity.aws.roles`
            # @return [Session]
            # @raise [ArgumentError] for what is no name, nil included
            # @raise [ConfigurationError] where there is none: the settings cannot be used or say `enabled: false`, or have no such role
            # @raise [NotReadyError] while a setting is not resolved
            def session(qualifier = :default)
              raise ConfigurationError, 'No session: the settings say enabled: false.' unless LegionIO::Runtime.enabled?

              load_rest
              name = LegionIO::Roles.named(qualifier)
              name ? SYNC.role(name).provider.current : PROVIDER.current
            ensure
              wake
            end

            # Makes a legal LegionIO name of any text: lower case, each other character an underscore, starting with a letter or
            # digit.
            #
            # @param name [#to_s]
            # @return [String, nil] nil where nothing is left
            def normalize(name) = Internal::Native.normalize(name.to_s)

            # The values in force, whatever layer they come from.
            #
            # @api private
            # @return [Hash{Symbol => Object}]
            # @raise [ConfigurationError]
            def settings = PROVIDER.settings

            # @api private
            # @return [Array<#provider_name>] what LegionIO's Resolver is to know
            def providers
              load_rest
              [self, PROFILE]
            end

            # Called once LegionIO knows {providers}.
            #
            # @api private
            # @return [void]
            def registered = load_rest.apply_sdk_default
          end
        end
      end
    end
  end
end
