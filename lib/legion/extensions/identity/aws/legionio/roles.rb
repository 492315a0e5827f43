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
          # Settings are read at each call, or are given: the doctor has those of LegionIO's files.
          #
          # @api private
          module Roles
            # LegionIO's name for the process's own.
            RESERVED = :default
            # Where they stand in LegionIO's settings.
            PLACE = 'identity.aws.roles'
            # A qualifier without a lease, for a context that names a role in a way that cannot be read.
            NO_ROLE = :'no role'
            # What says which identity a role has, and so contradicts a scope.
            IDENTITY = %i[role_arn profile].freeze
            private_constant :RESERVED, :NO_ROLE, :IDENTITY
            # In place of the process's own session, which a scoped role limits, where no credentials are asked for.
            NOT_ASKED = ::Struct.new(:credentials).new(nil)

            class << self
              # @param settings [Internal::Secret, nil] `identity.aws`
              # @return [Array<Symbol>] the roles that are in the settings
              def names(settings = Internal::Layers.identity_aws) = definitions(settings).value.keys - [RESERVED]

              # An ARN alone is short for a role_arn.
              #
              # @param name [Symbol]
              # @param settings [Internal::Secret, nil] `identity.aws`
              # @yieldreturn [Session] the process's own, which a scoped role limits
              # @return [Internal::Secret] a Hash, the options of a Session for that role
              # @raise [ConfigurationError]
              def options(name, settings = Internal::Layers.identity_aws)
                place = "#{PLACE}.#{name}"
                definitions = definitions(settings)
                raise ConfigurationError, "#{place} is no longer in the settings. Ask for a role that is." unless definitions.value.key?(name)

                given = definitions.part(name)
                unless given.text? || given.value.is_a?(::Hash)
                  raise ConfigurationError, "#{place} is of class #{given.value.class}. Write the role's ARN, or an object with its role_arn."
                end

                given = Internal::Secret.new(given.text? ? { role_arn: given.value } : given.value.transform_keys(&:to_sym))
                return scoped(given, place, yield) if given.value.keys.any? { |key| key.start_with?('scope') }
                # Without one it would be the process's own identity under another name. (A list is LegionIO's way to write fallbacks.)
                return given if IDENTITY.any? { |key| given.part(key).text? }

                scope = given.value.key?(:policy) ? 'a scope_policy in place of policy' : 'a scope_policy'
                raise ConfigurationError, "#{place} names no role. Give it a role_arn, a profile that has one, or #{scope}, which limits the " \
                                          "process's own session."
              end

              # @param name [Symbol, String]
              # @param settings [Internal::Secret, nil] `identity.aws`
              # @return [Symbol, nil] the role of that name; nil for `:default`
              # @raise [ArgumentError] for what is no name
              # @raise [ConfigurationError] where there is no such role
              def named(name, settings = Internal::Layers.identity_aws)
                unless [::String, ::Symbol].any? { |type| name.is_a?(type) }
                  raise ::ArgumentError, "session takes the name of a role, or :default, and was given #{name.class}."
                end

                name = name.to_s.to_sym
                return if name == RESERVED

                names = names(settings)
                return name if names.include?(name)

                there = names.empty? ? 'there is none' : "there are #{names.join(', ')}"
                raise ConfigurationError, "identity.aws.roles has no #{name.to_s.inspect}: #{there}. Add it to the settings, or ask for :default, the " \
                                          "process's own. (The token of identity.aws.tokens is in LegionIO's Broker.)"
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

              # @param settings [Internal::Secret, nil] `identity.aws`
              # @return [String, nil] what of the settings is passed over, and why
              def problem(settings = Internal::Layers.identity_aws)
                roles = setting(settings)
                return "#{PLACE} is of class #{roles.value.class} and is ignored. Write an object of names, each with a role_arn." unless unset_or_hash?(roles)

                return unless definitions(settings).value.key?(RESERVED)

                "#{PLACE}.default is ignored: so LegionIO calls the process's own credentials. Choose another name."
              end

              private

              # Misspelt options are found by the core, which has all names.
              def scoped(given, place, session)
                beside = IDENTITY.find { |key| !given.part(key).value.nil? }
                return Internal::Secret.new({ **given.value, source: session }) unless beside

                raise ConfigurationError, "#{place} has #{beside} beside a scope, which limits the process's own session. Keep one of them; a " \
                                          'role is limited by policy.'
              end

              def qualifier_of(name)
                name = name.to_s.strip
                name.to_sym unless name.empty? || name == RESERVED.to_s
              end

              def setting(settings) = Internal::Layers.own_setting(:roles, settings)

              def unset_or_hash?(roles) = roles.value.nil? || roles.value.is_a?(::Hash)

              # A Hash by name.
              def definitions(settings)
                roles = setting(settings)
                Internal::Secret.new(roles.value.is_a?(::Hash) ? roles.value.transform_keys { |name| name.to_s.scrub.to_sym } : {})
              end
            end
          end
        end
      end
    end
  end
end
