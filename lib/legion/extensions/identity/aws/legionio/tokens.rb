# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/layers'
require_relative 'roles'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Tokens for other systems: `identity.aws.tokens.<name>` is a qualifier of Broker's `:aws` whose lease has a {Token} in place of
          # credentials.
          #
          # Settings are read at each call.
          #
          # @api private
          module Tokens
            RESERVED = :default
            PLACE = 'identity.aws.tokens'
            # What names the token, its role and its file. All else goes to {Session#identity_token} or {Session#token_for}.
            OURS = %i[kind role file].freeze
            # A reference that LegionIO has not resolved yet.
            REFERENCE = %r{\A\s*(?:env|vault|lease)://}
            private_constant :RESERVED, :PLACE, :OURS, :REFERENCE

            Request = ::Struct.new(:place, :kind, :role, :file, :words)

            # One token as the settings have it; equal by content.
            class Request
              # @param session [Session]
              # @return [Token]
              # @raise [ConfigurationError] for words that the kind does not take
              # @raise [Error]
              def take(session)
                return session.token_for(kind, **words) unless kind == 'identity'

                session.identity_token(**words) # steep:ignore InsufficientKeywordArguments
              rescue ::ArgumentError => e
                raise ConfigurationError, "#{place}: #{e.message}"
              end
            end

            class << self
              # @return [Array<Symbol>] the tokens that are in the settings, without those that Broker cannot keep apart from a role
              def names = definitions.keys - [RESERVED] - Roles.names

              # @return [Array<Symbol>] names of tokens that are names of roles too
              def clashes = definitions.keys & Roles.names

              # @param name [Symbol]
              # @return [Request]
              # @raise [ConfigurationError]
              def request(name)
                place = "#{PLACE}.#{name}"
                given = definitions.fetch(name) { raise ConfigurationError, "#{place} is no longer in the settings. Ask for a token that is." }
                raise ConfigurationError, "#{place} is a #{given.class}. Write a Hash with its kind." unless given.is_a?(::Hash)
                raise NotReadyError, "#{place} holds a reference (env://, vault:// or lease://) that is not resolved yet." if unresolved?(given)

                given = given.transform_keys(&:to_sym)
                Request.new(place, kind(place, given[:kind]), role(place, given[:role]), file(place, given[:file]), given.except(*OURS)).freeze
              end

              # @return [String, nil] what of the settings is passed over, and why
              def problem
                tokens = setting
                return "#{PLACE} is a #{tokens.class} and is ignored. Write a Hash of names, each with a kind." unless tokens.nil? || tokens.is_a?(::Hash)

                if clashes.any?
                  "#{clashes.join(', ')}: the same name is in #{PLACE} and in identity.aws.roles, so LegionIO's Broker has neither. Choose another name."
                elsif definitions.key?(RESERVED)
                  "#{PLACE}.default is ignored: so LegionIO calls the process's own credentials. Choose another name."
                end
              end

              private

              def kind(place, given)
                return given.to_s if [::String, ::Symbol].any? { |type| given.is_a?(type) } && !given.empty?

                raise ConfigurationError, "#{place} has no kind. Give it one: identity for a token that AWS signs, or a kind of docs/tokens.md such as rds."
              end

              # @return [Symbol, nil] nil: the process's own credentials
              def role(place, given)
                return if given.nil? || given.to_s == RESERVED.to_s

                name = given.to_s.to_sym
                return name if Roles.names.include?(name)

                raise ConfigurationError, "#{place} names the role #{name}, which is not in identity.aws.roles. Add it there, or leave role out for " \
                                          "the process's own credentials."
              end

              # LegionIO's working directory changes, so a relative path would mean one file now and another one later.
              def file(place, given)
                return if given.nil?
                return ::File.expand_path(given).freeze if given.is_a?(::String) && given.start_with?('/', '~')

                raise ConfigurationError, "#{place}.file is #{given.inspect}. Give it an absolute path."
              rescue ::ArgumentError => e # a home that does not exist, or a NUL in the path
                raise ConfigurationError, "#{place}.file cannot be expanded: #{e.message}. Give it an absolute path."
              end

              def unresolved?(value)
                case value
                when ::String then value.match?(REFERENCE)
                when ::Array then value.any? { |one| unresolved?(one) }
                when ::Hash then value.each_value.any? { |one| unresolved?(one) }
                else false
                end
              end

              def setting = Internal::Layers.own_setting(:tokens).value

              def definitions
                tokens = setting
                tokens.is_a?(::Hash) ? tokens.transform_keys { |name| name.to_s.to_sym } : {}
              end
            end
          end
        end
      end
    end
  end
end
