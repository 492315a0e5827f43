# frozen_string_literal: true

require_relative '../internal/background_job'
require_relative '../internal/monotonic'
require_relative 'runtime'
require_relative 'lease'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # For consumers like lex-llm-bedrock, which look for the keys themselves in what `Broker.credentials_for(:aws)` returns; LegionIO
          # puts none there. With `identity.aws.broker_bridge: true` we do.
          #
          # The price: whoever calls that method, logs or keeps its answer then has the secret, where otherwise it must ask the lease for it.
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

            # Seconds between two looks at whether the renewer has put down the new lease.
            POLL_INTERVAL = 0.05
            # Seconds after which it will not do so any more.
            WAIT_TIMEOUT = 5.0
            private_constant :POLL_INTERVAL, :WAIT_TIMEOUT

            class << self
              # @return [Boolean]
              def wanted?
                settings = Internal::Layers.identity_aws || {}
                [true, 'true'].include?(settings.fetch(:broker_bridge) { settings['broker_bridge'] })
              end

              # @param credentials [Credentials]
              # @return [Hash{Symbol => String, nil}]
              def fields_of(credentials)
                { access_key_id: credentials.access_key_id, secret_access_key: credentials.secret_access_key,
                  session_token: credentials.session_token, region: credentials.region }
              end
            end

            # @param broker [Broker]
            # @param log [Internal::Log]
            def initialize(broker, log)
              @broker = broker
              @job = Internal::BackgroundJob.new(log) { notify_llm }
              @notified_key = nil
            end

            # A lease with this key is in Broker, or is about to be: LegionIO's LLM part has copied the one before.
            #
            # @param access_key_id [String]
            # @return [void]
            def renewed(access_key_id)
              return if access_key_id == @notified_key || !CredentialsForPatch.wanted? || !@broker.there?

              broker = ::Legion::Identity::Broker.singleton_class
              broker.prepend(Override) unless broker.include?(Override)
              @pending_key = access_key_id
              @job.run
            end

            private

            # The renewer puts the lease down when our provide_token has returned, so there is a moment to wait.
            def notify_llm
              limit = Internal::Monotonic.now + WAIT_TIMEOUT
              sleep POLL_INTERVAL until leased_key == @pending_key || Internal::Monotonic.now > limit
              return unless leased_key == @pending_key

              @notified_key = @pending_key # once for each key, whatever comes of it
              # Where it is not there yet, it will look by itself when it comes.
              ::Legion::LLM::Call::Providers.rediscover_all_providers if defined?(::Legion::LLM::Call::Providers)
            end

            def leased_key = @broker.renewer(Broker::DEFAULT)&.current_lease&.credential
          end
        end
      end
    end
  end
end
