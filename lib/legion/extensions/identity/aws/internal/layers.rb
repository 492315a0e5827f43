# frozen_string_literal: true

require_relative 'lazy'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Collects the layers of settings for a session. The core decides which layer wins, and whether a value is valid.
          #
          # @api private
          module Layers
            # Seconds. LegionIO gives all providers 5 s together and a late one costs every boot those 5 s, so ours gives up earlier.
            LEGION_DEADLINE = 4.0

            # Every name the core may look at, so that an unrelated change of ENV does not throw credentials away.
            ENVIRONMENT = /\A(?:AWS_.*|SSL_CERT_.*|HOME|PATH|LEX_IDENTITY_AWS_PROFILE|(?:https?|no)_proxy)\z/i

            # Settings that are read at each use and do not affect the credentials, so a change of them makes no new session.
            APART = %w[enabled roles broker_bridge].freeze

            # Options that may be an object of the application, which is called during a fetch.
            CALLBACKS = %i[token_provider web_identity_token source].freeze
            private_constant :APART, :CALLBACKS

            class << self
              # @param options [Hash{Symbol => Object}] explicit options
              # @param deadline_cap [Float, nil] seconds; the most that `resolve_timeout` may be
              # @return [Hash{Symbol => Object}] what {Native::Session} takes; holds secrets
              def of(options, deadline_cap: nil)
                {
                  options:      options,
                  settings:     setting(:identity, :aws),
                  environment:  environment,
                  deadline_cap: deadline_cap
                }
              end

              # All of ENV, since a `credential_process` may need any of it. Services often run without HOME; then the home of their user
              # is added.
              #
              # @return [Hash{String => String}]
              def environment
                found = ENV.to_h
                home  = home_of_user unless found.key?('HOME')
                home ? found.merge('HOME' => home) : found
              end

              # Takes the application's objects out of the layers. {Callbacks} is loaded only where there are some.
              #
              # @param layers [Hash] as {of} gives them
              # @return [Array(Callbacks, Hash), Array(nil, Hash)] see {Callbacks.out_of}
              # @raise [ArgumentError] for an object that cannot be called
              def callbacks_out_of(layers)
                given = layers.fetch(:options).slice(*CALLBACKS).compact
                return [nil, layers] if given.all? { |name, value| name == :web_identity_token && value.is_a?(::String) }

                Lazy.load(Internal, :Callbacks).out_of(layers)
              end

              # Equal for equal settings. It holds no secret: Ruby's hashes are salted anew in each process.
              #
              # @param layers [Hash] as {of} gives them
              # @return [Integer]
              def fingerprint(layers)
                settings    = layers[:settings]
                settings    = settings.reject { |name, _| APART.include?(name.to_s) } if settings.is_a?(::Hash)
                environment = layers[:environment].select { |name, _| ENVIRONMENT.match?(name) }
                layers.merge(settings: settings, environment: environment).hash
              end

              # A setting of LegionIO's, read at each use: LegionIO replaces the object when its settings change. Without a loader `dig`
              # would make one, with DNS look-ups and files.
              #
              # @param keys [Array<Symbol>]
              # @return [Object, nil]
              def setting(*keys)
                return unless defined?(::Legion::Settings) && ::Legion::Settings.respond_to?(:loader) && ::Legion::Settings.loader

                ::Legion::Settings.dig(*keys)
              end

              # For the keys that LegionIO's side reads. Where it is no Hash, the core refuses it.
              #
              # @return [Hash, nil] `identity.aws`
              def identity_aws
                found = setting(:identity, :aws)
                found if found.is_a?(::Hash)
              end

              # @return [Float, nil] seconds; nil outside LegionIO
              def deadline_cap
                LEGION_DEADLINE if defined?(::Legion::Identity::Resolver)
              end

              private

              def home_of_user
                ::Dir.home
              rescue ::ArgumentError => _e # a user the system does not know
                nil
              end
            end
          end
        end
      end
    end
  end
end
