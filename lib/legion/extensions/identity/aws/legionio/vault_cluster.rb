# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/layers'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # One of LegionIO's Vault clusters, `crypt.vault.clusters.<name>`. LegionIO replaces its settings at a reload, so they are read at each
          # call, and kept in no variable: they hold the token.
          #
          # @api private
          class VaultCluster
            PLACE = 'crypt.vault.clusters'
            # The values of `auth_method` with which LegionIO logs in by itself.
            LOGINS = %w[kerberos ldap].freeze
            # Without TLS, and not on this machine.
            IN_CLEAR = %r{\Ahttp://(?!localhost[:/]|127\.|\[::1\])}i
            private_constant :PLACE, :LOGINS, :IN_CLEAR

            class << self
              # @param name [String, nil] nil: LegionIO's default cluster, or the only one
              # @return [VaultCluster]
              # @raise [ConfigurationError] where there is none to log in to
              def named(name)
                there = names
                name = name&.to_sym || Internal::Layers.setting(:crypt, :vault, :default)&.to_sym || (there.first if there.one?)
                return new(name) if there.include?(name)

                list = there.join(', ')
                raise ConfigurationError, "#{PLACE} has no #{name}: there are #{list}. Correct identity.aws.vault.cluster or crypt.vault.default." if name

                raise ConfigurationError, "identity.aws.vault names no cluster, and #{PLACE} has #{list}. Add one of them as cluster."
              end

              private

              def names
                unless crypt?
                  raise ConfigurationError, 'identity.aws.vault cannot log in: LegionIO runs without Legion::Crypt, as --lite does. Start it without.'
                end

                names = ::Legion::Crypt.clusters.select { |_, config| config.is_a?(::Hash) }.keys
                return names unless names.empty?

                raise ConfigurationError, "identity.aws.vault needs a cluster in #{PLACE}, with protocol, address and port. crypt.vault.address is not " \
                                          'taken: lex-node gives the token of that one to any node that asks.'
              end

              def crypt? = defined?(::Legion::Crypt) && %i[clusters cluster vault_client].all? { |method| ::Legion::Crypt.respond_to?(method) }
            end

            # @return [Symbol]
            attr_reader :name

            # @param name [Symbol]
            def initialize(name)
              @name = name
            end

            # @return [Hash{Symbol => Object}] the options of LegionIO's client, without its token
            def options = ::Legion::Crypt.vault_client(name).options.merge(token: nil)

            # @return [String, nil] what is dangerous about its address
            def danger
              return unless options[:address].match?(IN_CLEAR)

              "#{PLACE}.#{name} has protocol http, on another machine: what is sent there lets others log in to Vault as this process. Use https."
            end

            # @param token [Internal::Secret, nil]
            # @return [Boolean] whether it is the cluster's
            def holds?(token) = !token.nil? && !config.nil? && config[:token] == token.value

            # @param ours [Boolean] whether the login is this gem's already: then another token came later, as from lex-node, which passes the
            #   tokens of other nodes on
            # @return [void]
            # @raise [ConfigurationError] where it is logged in to in another way
            def refuse_other_login(ours:)
              method = config[:auth_method].to_s
              other = "the auth_method #{method}" if LOGINS.include?(method)
              other ||= 'a token of its own' unless ours || config[:token].to_s.empty?
              raise ConfigurationError, "#{PLACE}.#{name} has #{other}, beside identity.aws.vault. Keep one of the two." if other
            end

            # @return [Boolean] whether LegionIO has a token for it
            def connected? = !config[:token].to_s.empty? && config[:connected] == true

            # As LegionIO does after a login by Kerberos.
            #
            # @param grant [VaultLogin::Grant]
            # @return [void]
            def take(grant)
              config.update(token: grant.token.value, lease_duration: grant.lease_duration, renewable: grant.renewable, connected: true)
              ::Legion::Crypt.vault_client(name).token = grant.token.value
              tell_legionio
            end

            # @param token [Internal::Secret]
            # @return [void]
            def withdraw(token)
              return unless holds?(token)

              config.update(token: nil, connected: false)
              ::Legion::Crypt.vault_client(name).token = nil
              tell_legionio
            end

            # @return [String]
            def to_s = "cluster #{name}"

            private

            def config = ::Legion::Crypt.cluster(name)

            def tell_legionio
              ::Legion::Settings[:crypt][:vault][:connected] = ::Legion::Crypt.clusters.each_value.any? { |other| other[:token] && other[:connected] }
            end
          end
        end
      end
    end
  end
end
