# frozen_string_literal: true

require_relative '../internal/background_job'
require_relative 'runtime'
require_relative 'lease'

module Legion
  module Extensions
    module Identity
      module Aws
        # For consumers like lex-llm-bedrock, which look for the keys themselves in what `Broker.credentials_for(:aws)` returns; LegionIO
        # puts none there. With `identity.aws.broker_bridge: true` we do.
        #
        # The price: whoever calls that method, logs or keeps its answer then has the secret, where otherwise it must ask the lease for it.
        #
        # @api private
        class CredentialsForPatch
          # Laid over LegionIO's Broker.
          module Keys
            # @param provider_name [Symbol]
            # @param qualifier [Symbol, nil]
            # @param service [Symbol, nil]
            # @return [Hash{Symbol => Object}, nil]
            def credentials_for(provider_name, qualifier: nil, service: nil)
              found = super
              lease = found && found[:lease]
              lease.is_a?(Lease) && CredentialsForPatch.wanted? ? Answer.new.merge!(found, CredentialsForPatch.keys(lease.credentials)) : found
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
          GLANCE = 0.05
          # Seconds after which it will not do so any more.
          PATIENCE = 5.0
          private_constant :GLANCE, :PATIENCE

          class << self
            # @return [Boolean]
            def wanted?
              settings = Runtime.settings || {}
              [true, 'true'].include?(settings.fetch(:broker_bridge) { settings['broker_bridge'] })
            end

            # @param credentials [Credentials]
            # @return [Hash{Symbol => String, nil}]
            def keys(credentials)
              { access_key_id: credentials.access_key_id, secret_access_key: credentials.secret_access_key,
                session_token: credentials.session_token, region: credentials.region }
            end
          end

          # @param broker [Broker]
          # @param log [Log]
          def initialize(broker, log)
            @broker = broker
            @job = BackgroundJob.new(log) { spread }
            @spread = nil
          end

          # A lease with this key is in Broker, or is about to be: LegionIO's LLM part has copied the one before.
          #
          # @param access_key_id [String]
          # @return [void]
          def renewed(access_key_id)
            return if access_key_id == @spread || !CredentialsForPatch.wanted? || !@broker.there?

            broker = ::Legion::Identity::Broker.singleton_class
            broker.prepend(Keys) unless broker.include?(Keys)
            @coming = access_key_id
            @job.run
          end

          private

          # The renewer puts the lease down when our provide_token has returned, so there is a moment to wait.
          def spread
            limit = now + PATIENCE
            sleep GLANCE until leased == @coming || now > limit
            return unless leased == @coming

            @spread = @coming # once for each key, whatever comes of it
            # Where it is not there yet, it will look by itself when it comes.
            ::Legion::LLM::Call::Providers.rediscover_all_providers if defined?(::Legion::LLM::Call::Providers)
          end

          def leased = @broker.renewer(Broker::DEFAULT)&.current_lease&.credential

          def now = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
        end
      end
    end
  end
end
