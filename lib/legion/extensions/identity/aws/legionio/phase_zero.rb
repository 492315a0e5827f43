# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # The entry in LegionIO's settings with which LegionIO 1.9 loads identity extensions in phase 0, before all others. Without it
          # this gem is loaded in phase 1, beside all others.
          #
          # @api private
          module PhaseZero
            # As it stands in a settings file.
            ENTRY = { 'extensions' => { 'categories' => { 'identity' => { 'type' => 'prefix', 'tier' => 0, 'phase' => 0 } } } }.freeze

            # @return [String] {ENTRY} as JSON, on one line
            def self.json
              require 'json'
              ::JSON.generate(ENTRY)
            end

            # @param settings [Internal::Secret] a Hash, merged from settings files
            # @return [Boolean] whether the entry stands in them; what LegionIO makes of other settings is not looked at
            def self.in?(settings)
              entry = settings.value.dig('extensions', 'categories', 'identity')
              entry.is_a?(::Hash) && entry['type'] == 'prefix' && entry['phase'].eql?(0)
            rescue ::TypeError => _e # one of the keys on the way holds no Hash
              false
            end
          end
        end
      end
    end
  end
end
