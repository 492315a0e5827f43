# frozen_string_literal: true

require_relative 'runtime'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # LegionIO's provider `:aws_profile`. LegionIO drops what an auth provider says beyond its name, and takes facts from providers of
          # type `:profile` only: this one publishes what is known of the identity, and asks AWS nothing.
          #
          # @api private
          class ProfileProvider
            # @param provider [Provider] knows the last answer
            # @param vault [#login]
            def initialize(provider, vault)
              @provider = provider
              @vault = vault
            end

            # @return [Symbol]
            def provider_name = :aws_profile

            # @return [Symbol]
            def provider_type = :profile

            # @return [Symbol]
            def facing = :machine

            # @return [Integer]
            def priority = 90

            # @return [Integer]
            def trust_weight = 100

            # @return [Symbol]
            def trust_level = :verified

            # @return [Array<Symbol>]
            def capabilities = %i[profile]

            # LegionIO calls this whichever auth provider it takes the name from. It publishes facts only while {Identity} has an answer:
            # beside a fallback name they would be those of another identity. Here is the time for Vault, too: the name is decided, and LegionIO
            # resolves `vault://` references next.
            #
            # @param canonical_name [String, nil] the winner's
            # @return [Hash{Symbol => Object}] `profile: { aws: { … } }`, or empty; no secrets
            def resolve(canonical_name: nil)
              identity = @provider.answer
              return {} unless identity && Runtime.enabled?

              @vault.login
              { profile: { aws: facts(identity) } }
            end

            # @return [String]
            def inspect = "#<#{self.class} #{@provider.answer.inspect}>"

            private

            def facts(identity)
              {
                account:       identity.account,
                partition:     identity.partition,
                region:        identity.region,
                arn:           identity.arn,
                principal_arn: identity.provider_arn,
                kind:          identity.kind,
                role:          identity.role,
                session_name:  identity.session_name,
                source:        identity.source,
                **instance(identity)
              }.compact
            end

            # The metadata service names the session after the instance, and has told its role with the credentials.
            def instance(identity)
              credentials = @provider.session&.credentials(fetch: false)
              role = credentials.details[:instance_profile_role] if credentials
              role || identity.kind == :instance ? { instance_id: identity.session_name, instance_profile_role: role } : {}
            end
          end
        end
      end
    end
  end
end
