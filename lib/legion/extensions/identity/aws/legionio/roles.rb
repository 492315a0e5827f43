# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/layers'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # More roles beside the one that names the process: `identity.aws.roles.<name>` is a qualifier of Broker's `:aws`. Each has options
          # of its own and is assumed from the base credentials; what it leaves out stands under `identity.aws`. One with a `scope_policy` is
          # the process's own session with less power.
          #
          # Settings are read at each call.
          #
          # @api private
          module Roles
            # LegionIO's name for the process's own.
            RESERVED = :default
            PLACE = 'identity.aws.roles'
            # A qualifier without a lease, for a context that names a role in a way that cannot be read.
            NO_ROLE = :'no role'
            # What says which identity a role has, and so contradicts a scope.
            IDENTITY = %i[role_arn profile].freeze
            private_constant :RESERVED, :PLACE, :NO_ROLE, :IDENTITY

            class << self
              # @return [Array<Symbol>] the roles that are in the settings
              def names = definitions.keys - [RESERVED]

              # An ARN alone is short for a role_arn.
              #
              # @param name [Symbol]
              # @yieldreturn [Session] the process's own, which a scoped role limits
              # @return [Hash{Symbol => Object}] the options of a Session for that role
              # @raise [ConfigurationError]
              def options(name)
                place = "#{PLACE}.#{name}"
                given = definitions.fetch(name) { raise ConfigurationError, "#{place} is no longer in the settings. Ask for a role that is." }
                given = { role_arn: given } if given.is_a?(::String)
                raise ConfigurationError, "#{place} is a #{given.class}. Write the role's ARN, or a Hash with its role_arn." unless given.is_a?(::Hash)

                given = given.transform_keys(&:to_sym)
                return scoped(given, place).merge(source: yield) if given.keys.any? { |key| key.start_with?('scope') }
                # Without one it would be the process's own identity under another name. (A list is LegionIO's way to write fallbacks.)
                return given if given.values_at(*IDENTITY).any?(::String)

                scope = given.key?(:policy) ? 'a scope_policy in place of policy' : 'a scope_policy'
                raise ConfigurationError, "#{place} names no role. Give it a role_arn, a profile that has one, or #{scope}, which limits the " \
                                          "process's own session."
              end

              # The role that a context of Broker's `for_context:` names: as a Symbol or String, or as `role` or `qualifier` of a Hash. A
              # name that is no role is given back: Broker has no lease under it, and nil would mean the process's own credentials, which
              # are another identity than asked for.
              #
              # @param context [Object]
              # @return [Symbol, nil] nil: the process's own
              def qualifier(context)
                case context
                when ::String, ::Symbol then qualifier_of(context)
                when ::Hash
                  name = %i[role qualifier].flat_map { |key| [context[key], context[key.to_s]] }.compact.first
                  case name
                  when ::String, ::Symbol, nil then qualifier_of(name)
                  else NO_ROLE
                  end
                end
              rescue ::StandardError, ::NotImplementedError, ::SystemStackError => _e # Broker would raise it to the caller of token_for
                NO_ROLE
              end

              # @return [String, nil] what of the settings is passed over, and why
              def problem
                roles = setting
                return "#{PLACE} is a #{roles.class} and is ignored. Write a Hash of names, each with a role_arn." unless roles.nil? || roles.is_a?(::Hash)

                "#{PLACE}.default is ignored: so LegionIO calls the process's own credentials. Choose another name." if definitions.key?(RESERVED)
              end

              private

              # Misspelt options are found by the core, which has all names.
              def scoped(given, place)
                beside = IDENTITY.find { |key| !given[key].nil? } or return given
                raise ConfigurationError, "#{place} has #{beside} beside a scope, which limits the process's own session. Keep one of them; a " \
                                          'role is limited by policy.'
              end

              def qualifier_of(name)
                name = name.to_s.strip
                name.to_sym unless name.empty? || name == RESERVED.to_s
              end

              def setting
                settings = Internal::Layers.identity_aws || {}
                settings[:roles] || settings['roles']
              end

              def definitions
                roles = setting
                roles.is_a?(::Hash) ? roles.transform_keys { |name| name.to_s.to_sym } : {}
              end
            end
          end
        end
      end
    end
  end
end
