# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/layers'
require_relative '../internal/similar'
require_relative 'references'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # `identity.aws.vault`: in which of LegionIO's Vault clusters this process logs in with its AWS identity, and how.
          #
          # Settings are read at each call.
          #
          # @api private
          module VaultSetting
            # Where it stands in LegionIO's settings.
            PLACE = 'identity.aws.vault'
            MOUNT = 'aws'
            # A path below `auth/` in Vault.
            PATH = %r{\A[\w~-][\w.~-]*(?:/[\w~-][\w.~-]*)*\z}
            private_constant :MOUNT, :PATH

            # One login; equal by content. `cluster` nil is LegionIO's default one; `server_id` and `endpoint` nil are left to Vault's defaults.
            Request = ::Struct.new(:cluster, :role, :server_id, :endpoint, :mount)

            class << self
              # @param settings [Internal::Secret, nil] `identity.aws`
              # @return [Boolean]
              def given?(settings = Internal::Layers.identity_aws) = !setting(settings).value.nil?

              # @return [Integer] equal for equal settings
              def fingerprint = setting(Internal::Layers.identity_aws).value.hash

              # @param settings [Internal::Secret, nil] `identity.aws`
              # @return [Request]
              # @raise [ConfigurationError]
              # @raise [NotReadyError] while a reference is not resolved
              def request(settings = Internal::Layers.identity_aws)
                given = setting(settings)
                raise ConfigurationError, "#{PLACE} is of class #{given.value.class}. Write an object with the role in Vault." unless given.value.is_a?(::Hash)

                References.refuse(PLACE, given)
                given = Internal::Secret.new(given.value.transform_keys { |key| key.to_s.scrub.to_sym })
                refuse_unknown(given.value.keys)
                Request.members.each { |key| check(key, given.part(key)) }
                raise ConfigurationError, "#{PLACE} has no role. Give it the name of a role of Vault's auth method aws." unless given.value[:role]

                Request.new(*given.value.values_at(:cluster, :role, :server_id, :endpoint), mount(given.part(:mount))).freeze
              end

              private

              # What stands there by mistake may be a secret.
              def setting(settings) = Internal::Layers.own_setting(:vault, settings)

              def refuse_unknown(keys)
                unknown = (keys - Request.members).first or return

                near = Internal::Similar.to(unknown.to_s, Request.members.map(&:to_s))
                raise ConfigurationError, "#{PLACE}.#{unknown} does not exist.#{" Did you mean #{near}?" if near} It takes #{Request.members.join(', ')}."
              end

              def check(key, given)
                return if given.value.nil? || (given.text? && given.value.valid_encoding? && !given.blank?)

                raise ConfigurationError, "#{PLACE}.#{key} is #{given.text? ? 'blank, or no text' : "of class #{given.value.class}"}. Write a text, or " \
                                          'leave it out.'
              end

              def mount(given)
                path = Internal::Secret.new((given.value || MOUNT).delete_prefix('/').delete_prefix('auth/').delete_suffix('/'))
                return path.value if path.value.match?(PATH)

                raise ConfigurationError, "#{PLACE}.mount is no path. Write the one below auth/ at which Vault's auth method aws is mounted."
              end
            end
          end
        end
      end
    end
  end
end
