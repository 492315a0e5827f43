# frozen_string_literal: true

require_relative 'runtime'
require_relative '../internal/native'
require_relative 'profile_provider'
require_relative 'provider'
require_relative 'steward'

module Legion
  module Extensions
    module Identity
      module Aws
        # LegionIO's identity provider: who this machine is in AWS, and its credentials.
        #
        # Settings are compared at each use, so a changed `identity.aws` takes effect without a reload.
        module Identity
          PROVIDER = LegionIO::Provider.new
          PROFILE = LegionIO::ProfileProvider.new(PROVIDER)
          STEWARD = LegionIO::Steward.new(self, PROVIDER)
          private_constant :PROVIDER, :PROFILE, :STEWARD

          class << self
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
              return STEWARD.kept_out unless LegionIO::Runtime.enabled?

              answer = PROVIDER.resolve
              STEWARD.resolved if answer
              STEWARD.failed if PROVIDER.failed? # not ready
              answer
            rescue ::StandardError => _e # the provider has logged it
              STEWARD.failed
              raise
            end

            # Leases the credentials in force. With only an expired set to be had, in an outage, the lease is not valid and says why.
            #
            # @return [Lease] the access key id as its credential; `credentials` has the full set
            # @raise [Error]
            def provide_token
              raise ConfigurationError, 'No lease: the settings say enabled: false.' unless LegionIO::Runtime.enabled?

              PROVIDER.provide_token.tap { |lease| STEWARD.leased(lease) }
            end

            # Returns at once, always the same object: a living provider that asks for the newest set at each use and follows changed
            # settings. Its readers wait and raise as a {Session}'s.
            #
            # @return [LegionIO::RefreshingCredentials]
            def current_credentials = PROVIDER.current_credentials

            # Has the next {resolve} ask AWS again, and forgets "not on AWS". In an outage the last good answer is then served on,
            # after a refusal never. Does not wait, and never raises.
            #
            # @return [nil]
            def refresh = PROVIDER.refresh

            # Which of the roles in `identity.aws.roles` is meant. Never raises.
            #
            # @param for_context [Symbol, String, Hash, Object] the name of the role, or a Hash with it as `role` or `qualifier`
            # @return [Symbol, nil] nil: none of them
            def resolve_qualifier(for_context) = STEWARD.qualifier(for_context)

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
            def providers = [self, PROFILE]
          end
        end
      end
    end
  end
end
