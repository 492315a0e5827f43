# frozen_string_literal: true

require_relative '../internal/layers'

module Legion
  module Extensions
    module Identity
      module Aws
        # Everything that depends on LegionIO, except what LegionIO and applications name: {Aws::Identity} and {Aws::Lease}.
        #
        # @api private
        module LegionIO
          # What this gem asks LegionIO. Without LegionIO: no settings, ready, enabled.
          #
          # @api private
          module Runtime
            GEM_NAME = 'lex-identity-aws'
            # Facts of the profile that may change while the name stays the same.
            FACTS = %i[arn region].freeze
            private_constant :GEM_NAME, :FACTS

            class << self
              # Checks both settings, since LegionIO checks only `extensions.identity.aws`, and takes the string "false" for true.
              #
              # @return [Boolean] whether this gem may serve LegionIO
              def enabled?
                [Internal::Layers.setting(:identity, :aws), Internal::Layers.setting(:extensions, :identity, :aws)].none? do |found|
                  found.is_a?(::Hash) && found.fetch(:enabled) { found['enabled'] }.to_s.scrub.strip.casecmp?('false')
                end
              end

              # @return [Boolean]
              def shutting_down? = Internal::Layers.setting(:client, :shutting_down) == true

              # @return [Boolean] false while LegionIO boots or reloads: then it resolves by itself
              def ready? = !defined?(::Legion::Service) || Internal::Layers.setting(:client, :ready) == true

              # @return [Boolean] whether LegionIO has loaded this gem beside all others, in phase 1. The order of its calls does not
              #   tell: both phases end in a second resolve.
              def late?
                return false unless defined?(::Legion::Extensions.find_extensions)

                ::Legion::Extensions.find_extensions.any? { |entry| entry[:gem_name] == GEM_NAME && entry[:category] != :identity }
              end

              # @param answer [Hash{Symbol => Object}] as {Identity.resolve} gives it
              # @return [Boolean] whether LegionIO's own record says the same, the facts that {ProfileProvider} published included
              def knows?(answer)
                composite = ::Legion::Identity::Resolver.composite
                return false unless composite && composite.dig(:providers, :aws, :status) == :resolved

                facts = composite.dig(:profile, :aws) || {}
                composite.dig(:aliases, :aws) == [answer[:provider_identity]] && FACTS.all? { |name| facts[name] == answer[:metadata][name] }
              end

              # Has LegionIO ask all its providers again. Its `upgrade!` is not enough: it keeps the kind of a fallback name, and writes no
              # rows.
              #
              # @return [void]
              def resolve! = ::Legion::Identity::Resolver.resolve!

              # @return [Boolean]
              def resolver? = defined?(::Legion::Identity::Resolver) ? true : false

              # @yield at the end of LegionIO's shutdown, after that of Legion::Crypt
              # @return [Proc, nil] nil without LegionIO's events
              def at_shutdown(&)
                ::Legion::Events.on('service.shutdown', &) if defined?(::Legion::Events)
              end

              # @param name [String]
              # @param payload [Hash{Symbol => Object}]
              # @return [void]
              def emit(name, **payload)
                ::Legion::Events.emit(name, **payload) if defined?(::Legion::Events)
              end
            end
          end
        end
      end
    end
  end
end
