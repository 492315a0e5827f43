# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/layers'
require_relative 'references'
require_relative 'roles'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Tokens for other systems: `identity.aws.tokens.<name>` is a qualifier of Broker's `:aws` whose lease has a {Token} in place of
          # credentials.
          #
          # Settings are read at each call, or are given: the doctor has those of LegionIO's files.
          #
          # @api private
          module Tokens
            # Where they stand in LegionIO's settings.
            PLACE = 'identity.aws.tokens'
            RESERVED = :default
            # What names the token, its role and its file. All else goes to {Session#identity_token} or {Session#token_for}.
            OURS = %i[kind role file].freeze
            private_constant :RESERVED, :OURS

            Request = ::Struct.new(:place, :kind, :role, :file, :words)

            # One token as the settings have it; equal by content.
            class Request
              # @param session [Session]
              # @return [Token]
              # @raise [ConfigurationError] for words that the kind does not take
              # @raise [Error]
              def take(session)
                kind == 'identity' ? session.identity_token_of(words) : session.token_for(kind, **words.value)
              rescue ::ArgumentError => e
                raise ConfigurationError, "#{place}: #{e.message}"
              end
            end

            class << self
              # @param settings [Internal::Secret, nil] `identity.aws`
              # @return [Array<Symbol>] the tokens that are in the settings, without those that Broker cannot keep apart from a role
              def names(settings = Internal::Layers.identity_aws) = definitions(settings).keys - [RESERVED] - Roles.names(settings)

              # @param settings [Internal::Secret, nil] `identity.aws`
              # @return [Array<Symbol>] names of tokens that are names of roles too
              def clashes(settings = Internal::Layers.identity_aws) = definitions(settings).keys & Roles.names(settings)

              # @param name [Symbol]
              # @param settings [Internal::Secret, nil] `identity.aws`
              # @return [Request]
              # @raise [ConfigurationError]
              # @raise [NotReadyError] while a reference is not resolved
              def request(name, settings = Internal::Layers.identity_aws)
                place = "#{PLACE}.#{name}"
                raise ConfigurationError, "#{place} is no longer in the settings. Ask for a token that is." unless definitions(settings).key?(name)

                given = Internal::Secret.new(definitions(settings)[name])
                raise ConfigurationError, "#{place} is of class #{given.value.class}. Write an object with its kind." unless given.value.is_a?(::Hash)

                References.refuse(place, given)
                given = Internal::Secret.new(given.value.transform_keys(&:to_sym))
                words = Internal::Secret.new(given.value.except(*OURS))
                kind = kind(place, given.part(:kind))
                check(place, kind, words)
                Request.new(place, kind, role(place, given.part(:role), settings), file(place, given.part(:file)), words).freeze
              end

              # @param settings [Internal::Secret, nil] `identity.aws`
              # @return [String, nil] what of the settings is passed over, and why
              def problem(settings = Internal::Layers.identity_aws)
                tokens = setting(settings)
                unless tokens.value.nil? || tokens.value.is_a?(::Hash)
                  return "#{PLACE} is of class #{tokens.value.class} and is ignored. Write an object of names, each with a kind."
                end

                clashes = clashes(settings)
                if clashes.any?
                  "#{clashes.join(', ')}: the same name is in #{PLACE} and in identity.aws.roles, so LegionIO's Broker has neither. Choose another name."
                elsif definitions(settings).key?(RESERVED)
                  "#{PLACE}.default is ignored: so LegionIO calls the process's own credentials. Choose another name."
                end
              end

              private

              # Before credentials are asked for: what is wrong here no source of credentials cures.
              def check(place, kind, words)
                Internal::Native.check_token(kind, kind == 'identity' ? words.value : words.value.except(:region))
              rescue ::ArgumentError => e
                raise ConfigurationError, "#{place}: #{e.message}"
              end

              def kind(place, given)
                return given.value.to_s if name?(given)

                raise ConfigurationError, "#{place} has no kind. Give it one: identity for a token that AWS signs, or a kind of docs/tokens.md such as rds."
              end

              # @return [Symbol, nil] nil: the process's own credentials
              def role(place, given, settings)
                return if given.value.nil?
                raise ConfigurationError, "#{place}.role is empty. Write the name of a role, or leave it out." if given.value == ''
                raise ConfigurationError, "#{place}.role is of class #{given.value.class}. Write the name of a role." unless name?(given)

                name = given.value.to_s.to_sym
                return (name unless name == RESERVED) if [RESERVED, *Roles.names(settings)].include?(name)

                raise ConfigurationError, "#{place} names the role #{name}, which is not in identity.aws.roles. Add it there, or leave role out for " \
                                          "the process's own credentials."
              end

              # LegionIO's working directory changes, so a relative path would mean one file now and another one later.
              def file(place, given)
                return if given.value.nil?
                return ::File.expand_path(given.value).freeze if given.text? && given.value.start_with?('/', '~')

                raise ConfigurationError, "#{place}.file is no absolute path. Write one, as a text."
              rescue ::ArgumentError => e # a home that does not exist, or a NUL in the path
                raise ConfigurationError, "#{place}.file cannot be expanded: #{e.message}. Give it an absolute path."
              end

              # What stands there by mistake may be a Hash with a secret in it.
              def name?(given) = (given.text? || given.value.is_a?(::Symbol)) && !given.value.empty?

              def setting(settings) = Internal::Layers.own_setting(:tokens, settings)

              # By name. Their values may hold a secret, so no variable takes it.
              def definitions(settings)
                tokens = setting(settings)
                tokens.value.is_a?(::Hash) ? tokens.value.transform_keys { |name| name.to_s.scrub.to_sym } : {}
              end
            end
          end
        end
      end
    end
  end
end
