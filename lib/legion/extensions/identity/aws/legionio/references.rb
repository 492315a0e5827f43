# frozen_string_literal: true

require_relative '../errors'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # The references of LegionIO that stand in settings until it has resolved them.
          #
          # @api private
          module References
            PATTERN = %r{\A\s*(?:env|vault|lease)://}
            private_constant :PATTERN

            # @param value [Object] of the settings
            # @return [Boolean] whether one is in it, at any depth
            def self.in?(value)
              case value
              when ::String then value.scrub.match?(PATTERN)
              when ::Array then value.any? { |one| in?(one) }
              when ::Hash then value.each_value.any? { |one| in?(one) }
              else false
              end
            end

            # @param place [String] where it stands in the settings
            # @param given [Internal::Secret]
            # @return [void]
            # @raise [NotReadyError] where one is in it
            def self.refuse(place, given)
              raise NotReadyError, "#{place} holds a reference (env://, vault:// or lease://) that is not resolved yet." if in?(given.value)
            end
          end
        end
      end
    end
  end
end
