# frozen_string_literal: true

require_relative '../internal/layers'
require_relative 'references'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # The settings under `identity.aws` that switch LegionIO's part on and off: true or false, as text too, in any case. They are read at
          # each use.
          #
          # @api private
          module Switches
            # Those that are read here, and `enabled`, which {Runtime.enabled?} reads.
            NAMES = %i[enabled sdk_default broker_bridge].freeze
            WORDS = ['', 'true', 'false'].freeze
            private_constant :NAMES, :WORDS

            class << self
              # @param name [Symbol]
              # @return [Boolean]
              def on?(name) = word(name) == 'true'

              # @param settings [Internal::Secret, nil] `identity.aws`
              # @return [String, nil] which one is neither true nor false
              def problem(settings = Internal::Layers.identity_aws)
                odd = NAMES.find { |name| !WORDS.include?(word(name, settings)) && !unresolved?(name, settings) }
                odd && "identity.aws.#{odd} is neither true nor false and is ignored. Write one of them."
              end

              private

              def word(name, settings = Internal::Layers.identity_aws)
                Internal::Layers.own_setting(name, settings).value.to_s.scrub.strip.downcase
              end

              def unresolved?(name, settings) = References.in?(Internal::Layers.own_setting(name, settings).value)
            end
          end
        end
      end
    end
  end
end
