# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # When LegionIO loads this gem: by its rules of 1.9, which need a setting before they know of identity gems.
          #
          # @api private
          class LegionPhase
            # What makes it phase 0.
            SETTING = { 'extensions' => { 'categories' => { 'identity' => { 'type' => 'prefix', 'tier' => 0, 'phase' => 0 } } } }.freeze
            GEM = 'lex-identity-aws'
            # Of `role.profile`, the ones that leave identity gems out.
            LEAVES_OUT = %w[core service dev custom].freeze
            private_constant :GEM, :LEAVES_OUT

            # @return [Integer, nil] nil where it is not loaded, or told to serve nobody
            attr_reader :phase
            # @return [String] why
            attr_reader :reason

            # @return [String] {SETTING} as it stands in a file
            def self.setting_as_json
              require 'json'
              ::JSON.generate(SETTING)
            end

            # @param settings [Hash] all of LegionIO's, keys of either kind
            def initialize(settings)
              all = plain(settings)
              @extensions = hash(all['extensions'])
              @role = hash(all['role'])
              @switches = { 'identity.aws.enabled'            => hash(hash(all['identity'])['aws'])['enabled'],
                            'extensions.identity.aws.enabled' => hash(hash(@extensions['identity'])['aws'])['enabled'] }
              @phase, @reason = decide
            end

            # @return [Boolean]
            def zero? = phase&.zero? || false

            private

            def decide
              obstacle = left_out
              return [nil, obstacle] if obstacle
              return [phase_of(categories['identity']), 'extensions.identity lists the gem'] if listed?
              return [1, 'extensions.categories says nothing of identity'] unless categories['identity'].is_a?(::Hash)
              return [1, 'extensions.categories.identity is not of type prefix'] unless categories['identity']['type'].to_s == 'prefix'

              phase = phase_of(categories['identity'])
              [phase, "extensions.categories.identity #{phase.zero? ? 'says so' : 'has no phase 0'}"]
            end

            def left_out
              switch, = @switches.find { |_, value| value.to_s.casecmp?('false') }
              return "#{switch} is false" if switch
              return 'extensions.blocked names the gem' if list(@extensions['blocked']).include?(GEM)

              profile = @role['profile'].to_s
              return unless LEAVES_OUT.include?(profile)

              "role.profile is #{profile}" unless profile == 'custom' && custom.include?(GEM)
            end

            def custom = list(@role['extensions']).map(&:to_s).map { |name| name.start_with?('lex-') ? name : "lex-#{name}" }

            def listed? = list(@extensions['identity']).include?(GEM)

            # With a list and without a category, LegionIO's own table counts, where identity has phase 0.
            def phase_of(category)
              return 0 if category.nil?

              phase = hash(category)['phase']
              phase.is_a?(::Integer) ? phase : 1
            end

            def categories = hash(@extensions['categories'])

            def hash(value) = value.is_a?(::Hash) ? value : {}

            def list(value) = value.is_a?(::Array) ? value : []

            def plain(value)
              case value
              when ::Hash then value.to_h { |key, item| [key.to_s, plain(item)] }
              when ::Array then value.map { |item| plain(item) }
              else value
              end
            end
          end
        end
      end
    end
  end
end
