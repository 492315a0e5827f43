# frozen_string_literal: true

require_relative '../errors'
require_relative 'runtime'
require_relative 'provider'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # More roles beside the one that names the process: `identity.aws.roles.<name>` is a qualifier of Broker's `:aws`. Each has options
          # of its own and is assumed from the base credentials; what it leaves out stands under `identity.aws`.
          #
          # Broker asks a provider for a token without saying which, so there is one for each.
          #
          # @api private
          class Roles
            # LegionIO's name for the process's own.
            RESERVED = :default
            PLACE = 'identity.aws.roles'
            private_constant :RESERVED, :PLACE

            # @yield at each use of one of them
            def initialize(&seen)
              @seen = seen
              @lock = ::Mutex.new
              @providers = {}
            end

            # @return [Hash{Symbol => Provider}] by qualifier; the same object for a name as long as the process lives, so that who holds
            #   one follows changed settings
            def providers
              wanted = definitions.keys - [RESERVED]
              missing = wanted - @providers.keys
              @lock.synchronize { missing.each { |name| add(name) unless @providers.key?(name) } } unless missing.empty?
              @providers.slice(*wanted)
            end

            # Equal as long as the settings of all of them are; no secret, see {Internal::Layers.fingerprint}.
            #
            # @return [Integer]
            def fingerprint = definitions.hash

            # What Broker asks with `for_context:`. Which role a context wants is said by its name: as a Symbol or String, or as `role` or
            # `qualifier` of a Hash. A role that is in the settings and cannot be had gives no token; the process's own would be another
            # identity than asked for.
            #
            # @param context [Object]
            # @return [Symbol, nil] nil: the process's own
            def qualifier(context)
              name = case context
                     when ::Hash then %i[role qualifier].flat_map { |key| [context[key], context[key.to_s]] }.compact.first
                     else context
                     end
              case name
              when ::String, ::Symbol then definitions.keys.find { |qualifier| qualifier.to_s == name.to_s }
              end
            rescue ::StandardError, ::NotImplementedError, ::SystemStackError => _e # Broker would raise it in the face of who asked for a token
              nil
            end

            # @return [String, nil] what of the settings is passed over, and why
            def problem
              roles = setting
              return "#{PLACE} is a #{roles.class} and is ignored. Write a Hash of names, each with a role_arn." unless roles.nil? || roles.is_a?(::Hash)

              "#{PLACE}.default is ignored: so LegionIO calls the process's own credentials. Choose another name." if definitions.key?(RESERVED)
            end

            private

            def add(name)
              provider = Provider.new { options(name) }
              provider.watch(&@seen)
              @providers = @providers.merge(name => provider).freeze
            end

            def setting
              settings = Internal::Layers.identity_aws || {}
              settings[:roles] || settings['roles']
            end

            def definitions
              roles = setting
              roles.is_a?(::Hash) ? roles.transform_keys { |name| name.to_s.to_sym } : {}
            end

            # An ARN alone is short for a role_arn.
            def options(name)
              place = "#{PLACE}.#{name}"
              given = definitions.fetch(name) { raise ConfigurationError, "#{place} is no longer in the settings. Ask for a role that is." }
              given = { role_arn: given } if given.is_a?(::String)
              raise ConfigurationError, "#{place} is a #{given.class}. Write the role's ARN, or a Hash with its role_arn." unless given.is_a?(::Hash)

              given = given.transform_keys(&:to_sym)
              # Without one it would be the process's own identity under another name. (A list is LegionIO's way to write fallbacks.)
              return given if [given[:role_arn], given[:profile]].any?(::String)

              raise ConfigurationError, "#{place} names no role. Give it a role_arn, or a profile that has one."
            end
          end
        end
      end
    end
  end
end
