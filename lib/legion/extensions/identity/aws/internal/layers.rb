# frozen_string_literal: true

require_relative 'lazy'
require_relative 'secret'

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

            # Settings that are read at each use and do not affect the credentials, so a change of them makes no new session.
            APART = %w[enabled roles broker_bridge sdk_default tokens vault].freeze

            # Options that may be an object of the application, which is called during a fetch.
            CALLBACKS = %i[token_provider web_identity_token source].freeze
            private_constant :APART, :CALLBACKS

            class << self
              # @param options [Secret] a Hash of explicit options
              # @param settings [Secret, nil] a Hash, LegionIO's `identity.aws`
              # @param deadline_cap [Float, nil] seconds; the most that `resolve_timeout` may be
              # @return [Hash{Symbol => Object}] what {opened} makes the argument of {Native::Session}; whatever may hold a secret is wrapped
              def of(options, settings: identity_aws, deadline_cap: nil)
                {
                  options:      options,
                  settings:     settings,
                  environment:  environment,
                  deadline_cap: deadline_cap
                }
              end

              # All of ENV, since a `credential_process` may need any of it; it never becomes Strings of Ruby. Services often run without
              # HOME; then the home of their user is added.
              #
              # @return [Native::Environment]
              def environment = Native::Environment.current(::ENV.key?('HOME') ? nil : home_of_user)

              # @param layers [Hash] as {of} gives them
              # @return [Hash{Symbol => Object}] with nothing wrapped; to be handed to the native method at once
              def opened(layers) = layers.transform_values { |layer| layer.is_a?(Secret) ? layer.value : layer }

              # Takes the application's objects out of the layers. {Callbacks} is loaded only where there are some.
              #
              # @param layers [Hash] as {of} gives them
              # @return [Array(Callbacks, Hash), Array(nil, Hash)] see {Callbacks.out_of}
              # @raise [ArgumentError] for an object that cannot be called
              def callbacks_out_of(layers)
                options = layers.fetch(:options)
                return [nil, layers] if CALLBACKS.all? { |name| no_callback?(name, options.part(name)) }

                Lazy.load(Internal, :Callbacks).out_of(layers)
              end

              # Equal for equal settings. It holds no secret: hashes are salted anew in each process.
              #
              # @param layers [Hash] as {of} gives them
              # @return [Integer]
              def fingerprint(layers)
                [layers[:options].value, used(layers[:settings]&.value),
                 layers[:environment].fingerprint, layers[:deadline_cap]].hash
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

              # @return [Secret, nil] `identity.aws`; the core refuses what is no Hash
              def identity_aws
                found = Secret.new(setting(:identity, :aws))
                found unless found.value.nil?
              end

              # @param name [Symbol] a key of `identity.aws`, which may be written as a String
              # @param settings [Secret, nil] `identity.aws`
              # @return [Secret] its value; of nil where there is none
              def own_setting(name, settings = identity_aws)
                Secret.new(settings && settings.value.is_a?(::Hash) ? settings.value.fetch(name) { settings.value[name.to_s] } : nil)
              end

              # @return [Float, nil] seconds; nil outside LegionIO
              def deadline_cap
                LEGION_DEADLINE if defined?(::Legion::Identity::Resolver)
              end

              private

              def used(settings) = settings.is_a?(::Hash) ? settings.reject { |name, _| APART.include?(name.to_s) } : settings

              def no_callback?(name, option) = option.value.nil? || (name == :web_identity_token && option.text?)

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
