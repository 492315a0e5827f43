# frozen_string_literal: true

require_relative '../internal/lazy'
require_relative 'finding'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # The entries of `identity.aws.roles`: their shape, and what the core finds about each.
          #
          # @api private
          class Roles
            # @param settings [Internal::Secret, nil] `identity.aws`
            # @param examination [Examination]
            # @param token_provider [#call, nil]
            # @param assume [Boolean]
            def initialize(settings, examination, token_provider, assume:)
              @settings = settings if settings&.value.is_a?(::Hash)
              @examination = examination
              @token_provider = token_provider
              @assume = assume
            end

            # @return [Array<Finding>]
            def findings
              return [] unless @settings

              require_relative '../legionio/roles'
              [*problem, *entries.names(@settings).flat_map { |name| role(name) }]
            end

            private

            def entries = Aws::LegionIO::Roles

            def problem
              what = entries.problem(@settings)
              what ? [Finding.of('role', entries::PLACE, what, status: :warn, remedy: "Correct #{entries::PLACE} in LegionIO's settings.")] : []
            end

            def role(name)
              options = entries.options(name, @settings) { @assume ? @examination.session(@token_provider) : entries::NOT_ASKED }
              options = Internal::Secret.new({ token_provider: @token_provider, **options.value })
              @examination.findings(options, role: true).map { |found| named(name, found) }
            rescue ConfigurationError, ::ArgumentError => e # the latter for a callback or source that is none
              remedy = "Correct #{entries::PLACE}.#{name} in LegionIO's settings."
              [Finding.of('role', name.to_s, e.message, status: :fail, remedy: remedy, qualifier: name.to_s)]
            end

            def named(name, found)
              Finding.new(**found.to_h, name: "#{name} (#{found.name})", details: { **found.details, qualifier: name.to_s })
            end
          end
        end
      end
    end
  end
end
