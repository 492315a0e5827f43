# frozen_string_literal: true

require_relative 'native'
require_relative 'provider'

module Legion
  module Extensions
    module Identity
      module Aws
        # LegionIO's identity provider: who this machine is in AWS, and its credentials.
        #
        # Settings are compared at each use, so a changed `identity.aws` takes effect without a reload.
        module Identity
          PROVIDER = Provider.new
          private_constant :PROVIDER

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
            # is, for `negative_ttl`. Inside LegionIO it takes 4 s at most.
            #
            # @param canonical_name [String, nil] given by LegionIO to some providers; this one finds the name
            # @return [Hash{Symbol => Object}] `canonical_name`, `kind`, `source`, `provider_identity`, `persistent`, `groups`,
            #   `metadata`; no secrets
            # @return [nil] if nothing is configured and the instance metadata service is disabled, refused or silent; or if a setting
            #   is not resolved yet
            # @raise [Error] else, after one warning for each cause
            def resolve(canonical_name: nil) = PROVIDER.resolve

            # Leases the credentials in force. With only an expired set to be had, in an outage, the lease is not valid and says why.
            #
            # @return [Lease] the access key id as its credential; `credentials` has the full set
            # @raise [Error]
            def provide_token = PROVIDER.provide_token

            # Returns at once, always the same object: a living provider that asks for the newest set at each use and follows changed
            # settings. Its readers wait and raise as a {Session}'s.
            #
            # @return [LivingCredentials]
            def current_credentials = PROVIDER.current_credentials

            # Has the next {resolve} ask AWS again, and forgets "not on AWS". In an outage the last good answer is then served on,
            # after a refusal never. Does not wait, and never raises.
            #
            # @return [nil]
            def refresh = PROVIDER.refresh

            # Makes a legal LegionIO name of any text: lower case, each other character an underscore, starting with a letter or
            # digit.
            #
            # @param name [#to_s]
            # @return [String, nil] nil where nothing is left
            def normalize(name) = Native.normalize(name.to_s)

            # The values in force, whatever layer they come from.
            #
            # @api private
            # @return [Hash{Symbol => Object}]
            # @raise [ConfigurationError]
            def settings = PROVIDER.settings
          end
        end
      end
    end
  end
end
