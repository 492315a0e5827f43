# frozen_string_literal: true

require_relative '../internal/monotonic'
require_relative 'broker_entries'
require_relative 'switches'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Adds the keys to what `Broker.credentials_for(:aws)` returns, with `identity.aws.broker_bridge: true`: consumers like
          # lex-llm-bedrock look for them there, and LegionIO puts none there.
          #
          # The price: every caller of that method then has the secret in a Hash, where otherwise it must ask the lease for it.
          #
          # @api private
          class CredentialsForPatch
            # Laid over LegionIO's Broker.
            module Override
              # @param provider_name [Symbol]
              # @param qualifier [Symbol, nil]
              # @param service [Symbol, nil]
              # @return [Hash{Symbol => Object}, nil]
              def credentials_for(provider_name, qualifier: nil, service: nil)
                found = super
                lease = found && found[:lease]
                lease.is_a?(Lease) && CredentialsForPatch.wanted? ? Answer.new.merge!(found, CredentialsForPatch.fields_of(lease.credentials)) : found
              end
            end

            # A Hash that prints without its secrets.
            class Answer < ::Hash
              HIDDEN = %i[secret_access_key session_token].freeze
              private_constant :HIDDEN

              # @return [String]
              def inspect = to_h.except(*HIDDEN).inspect
              alias to_s inspect

              # @param printer [PP]
              # @return [void]
              def pretty_print(printer) = printer.text(inspect)
            end

            # Seconds between two checks whether the renewer holds the new lease.
            POLL_INTERVAL = 0.05
            # Seconds after which {#notify} gives up waiting for that.
            WAIT_TIMEOUT = 5.0
            private_constant :POLL_INTERVAL, :WAIT_TIMEOUT

            class << self
              # @return [Boolean]
              def wanted? = Switches.on?(:broker_bridge)

              # @param credentials [Credentials]
              # @return [Hash{Symbol => String, nil}]
              def fields_of(credentials)
                { access_key_id: credentials.access_key_id, secret_access_key: credentials.secret_access_key,
                  session_token: credentials.session_token, region: credentials.region }
              end
            end

            # @param broker [BrokerEntries]
            def initialize(broker)
              @broker = broker
            end

            # @return [void]
            def install
              broker = ::Legion::Identity::Broker.singleton_class
              broker.prepend(Override) if CredentialsForPatch.wanted? && !broker.include?(Override)
            end

            # Has LegionIO's LLM part read the keys again once Broker's lease has this key, since it keeps a copy of the previous ones. Waits
            # until the renewer holds the new lease, which takes a moment.
            #
            # @param access_key_id [String, nil]
            # @return [Boolean] whether nothing is left to do
            def notify(access_key_id)
              return true if access_key_id == @notified_key || !CredentialsForPatch.wanted?

              limit = Internal::Monotonic.now + WAIT_TIMEOUT
              sleep POLL_INTERVAL until leased_key == access_key_id || Internal::Monotonic.now > limit
              return false unless leased_key == access_key_id

              @notified_key = access_key_id # first, so that a rediscovery that raises is not repeated for this key
              # An LLM part that is loaded later reads the new keys by itself.
              ::Legion::LLM::Call::Providers.rediscover_all_providers if defined?(::Legion::LLM::Call::Providers)
              true
            end

            private

            def leased_key = @broker.renewer(BrokerEntries::DEFAULT)&.current_lease&.credential
          end
        end
      end
    end
  end
end
