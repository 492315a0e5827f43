# frozen_string_literal: true

require_relative '../errors'
require_relative 'dependencies'
require_relative 'lazy'
require_relative 'log'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Puts a session into the credential provider chain of aws-sdk-core, for clients that are given no credentials of their own.
          #
          # The chain is private to the SDK, and the only place that comes after what a call, the profile in a call and `Aws.config` say:
          # `Aws.config[:credentials]` would win over keys in a call. So it is tried first whether the chain still works as it did in 3.168 and
          # in 3.264.
          #
          # @api private
          module SdkDefault
            # The first provider of the SDK that looks at the environment of the process.
            BEFORE = :env_credentials
            # The name of ours, which is the name of a method of the chain too.
            NAME = :lex_identity_aws_credentials
            LOCK = ::Mutex.new
            private_constant :BEFORE, :NAME, :LOCK

            # Laid over the SDK's chain.
            module Override
              private

              def providers = SdkDefault.add_to(super)

              def lex_identity_aws_credentials(_options) = SdkDefault.provider
            end

            class << self
              # @return [String, nil] why aws-sdk-ruby does not ask for the credentials although it was told to
              attr_reader :problem

              # Implements {Aws.default_for_sdk}.
              #
              # @param session [Secret] a Session, or nil
              # @return [Boolean] whether aws-sdk-ruby asks it
              # @raise [ArgumentError]
              # @raise [ConfigurationError]
              def give(session)
                unless session.value.nil? || session.answers?(:credentials, :set?)
                  raise ::ArgumentError, "default_for_sdk takes a Session or nil, and was given #{session.value.class}."
                end

                placed = session.value ? place : false
                @given = session.value # rubocop:disable ThreadSafety/ClassInstanceVariable -- one write of one reference
                placed
              end

              # For a setting that is read at each use; what {give} was given comes first.
              #
              # @yieldreturn [#credentials, nil]
              # @return [void]
              def follow(&setting)
                @setting = setting # rubocop:disable ThreadSafety/ClassInstanceVariable -- one write of one reference
                place
              rescue ConfigurationError => e
                complain(e.message)
              end

              # @param providers [Array<Array(Symbol, Hash)>] the SDK's
              # @return [Array<Array(Symbol, Hash)>] with ours among them; without where there is none, and inside of a callback, such as the
              #   `source` of a session
              def add_to(providers)
                at = place_in(providers) if session && !Dependencies.answering?
                at ? providers.dup.insert(at, [NAME, providers.fetch(at).last]) : providers
              end

              # Where nothing is configured and this machine is not on AWS, the SDK goes on with its own providers. Every other error is raised,
              # since the SDK's next provider would be another identity than the one that is configured.
              #
              # @return [#credentials, nil]
              # @raise [Error]
              def provider
                session.tap { |session| session&.credentials }
              rescue NotOnAwsError => _e
                nil
              end

              # @return [#credentials, nil] what aws-sdk-ruby is to ask
              def session = given || setting&.call

              # @return [Boolean] whether it was told to
              def wanted? = !session.nil?

              # @return [String, nil] the version of aws-sdk-core, where it is loaded
              def version = (::Aws::CORE_GEM_VERSION if defined?(::Aws::CORE_GEM_VERSION))

              private

              attr_reader :given, :setting

              # @return [Boolean] whether the chain asks for ours
              def place
                load_sdk
                LOCK.synchronize do
                  chain = ::Aws::CredentialProviderChain if defined?(::Aws::CredentialProviderChain)
                  chain.prepend(Override) if chain && !chain.include?(Override) && known?(chain)
                  return note(nil) if chain&.include?(Override)
                end
                complain("aws-sdk-core #{version} has another chain of credential providers than the versions this gem knows, so its clients do not " \
                         'get these credentials. Give each client credentials: a Session, and report it with this version.')
              end

              def load_sdk
                Lazy.require('aws-sdk-core')
              rescue ::LoadError => e
                raise ConfigurationError, 'aws-sdk-ruby cannot be given these credentials by default: the gem aws-sdk-core cannot be loaded ' \
                                          "(#{e.message}). Install it, or add it to the Gemfile."
              end

              # Has a chain made like the SDK's ask one provider that is given in the form of ours.
              def known?(chain)
                theirs = chain.new.__send__(:providers)
                options = theirs.fetch(place_in(theirs)).last
                answer = ::Struct.new(:set?).new(true)
                trial = ::Class.new(chain) do
                  define_method(:providers) { [[NAME, options]] }
                  define_method(NAME) { |_options| answer }
                end
                trial.new.resolve.equal?(answer)
              rescue ::StandardError => _e # a signature or a value that is not the one of the known versions
                false
              end

              # @return [Integer, nil]
              def place_in(providers) = providers.index { |name, _| name == BEFORE }

              # @return [Boolean] false
              def complain(problem)
                Log.new.warn(problem) if self.problem != problem
                note(problem)
              end

              # @return [Boolean] whether there is none
              def note(problem)
                @problem = problem # rubocop:disable ThreadSafety/ClassInstanceVariable -- one write of one reference
                problem.nil?
              end
            end
          end
        end
      end
    end
  end
end
