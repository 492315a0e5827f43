# frozen_string_literal: true

require_relative '../aws'

module Legion
  module Extensions
    module Identity
      module Aws
        # For specs of programs that use this gem: an identity and credentials without AWS and without a network. Not loaded by default.
        #
        #   require 'legion/extensions/identity/aws/testing'
        #
        #   it 'signs with the credentials of the machine' do
        #     Legion::Extensions::Identity::Aws::Testing.stub(identity: 'arn:aws:iam::123456789012:user/demo')
        #     …
        #   end
        #
        # In RSpec and Minitest the stub is removed after the example; with a block, after the block. Until then it answers for every
        # {Session}, those made before included, and for {Identity}, in all threads. Settings are read and checked as without it.
        module Testing
          # The ARN of a stub that is given none.
          IDENTITY = 'arn:aws:sts::123456789012:assumed-role/stubbed-role/stubbed-session'
          # The credentials of a stub that is given none. They expire in an hour.
          CREDENTIALS = { access_key_id: 'ASIASTUBSTUBSTUBSTUB', secret_access_key: 'stubbed-secret-access-key', session_token: 'stubbed-session-token' }.freeze

          class << self
            # Answers in place of AWS from now on.
            #
            # @param identity [String, Hash, Exception, Class, nil] an ARN as GetCallerIdentity returns it; or a Hash with `arn` and other
            #   fields of {CallerIdentity} (`canonical_name`, `user_id`, `region`, …); or an error to raise; nil: not on AWS
            # @param credentials [Credentials, Hash, Exception, Class, nil] or a Hash of what differs from {CREDENTIALS} (also
            #   `expiration`, a Time, `account_id`, `region`); or an error to raise; nil: there are none
            # @yield with the stub in place; without a block it stays until the example is over
            # @return [Object] what the block returned; without one, nil
            # @raise [ArgumentError] for anything else, and without a block if neither RSpec nor Minitest is loaded
            def stub(identity: IDENTITY, credentials: {})
              unless block_given? || Frameworks.attach
                raise ::ArgumentError, 'stub without a block is removed after the example of RSpec or Minitest, and neither is loaded. Give it a block.'
              end

              added = STACK.push(identity, credentials)
              return unless block_given?

              begin
                yield
              ensure
                STACK.remove(added)
              end
            end

            # Removes all stubs. Called after each example in RSpec and Minitest.
            #
            # @return [void]
            def reset
              STACK.clear
              nil
            end

            # @api private
            # @return [Stub, nil] the one in force
            def current = STACK.top
          end

          # The stubs in place; the last one is in force.
          #
          # @api private
          class Stack
            # The core numbers its fetches from 1; a stub's number must be none of theirs.
            FIRST_SERIAL = 1_000_000_000
            private_constant :FIRST_SERIAL

            def initialize
              @lock = ::Mutex.new
              @stubs = []
              @serial = FIRST_SERIAL
            end

            # @return [Stub, nil]
            def top = @stubs.last

            # @param identity [Object]
            # @param credentials [Object]
            # @return [Stub]
            def push(identity, credentials)
              @lock.synchronize { Stub.new(@serial += 1, identity, credentials).tap { |stub| @stubs += [stub] } }
            end

            # @param stub [Stub]
            # @return [void]
            def remove(stub)
              @lock.synchronize { @stubs -= [stub] }
            end

            # @return [void]
            def clear
              @lock.synchronize { @stubs = [] }
            end
          end
          STACK = Stack.new
          private_constant :Stack, :STACK

          # Answers the methods of {Internal::Native::Session} that ask AWS or report on it.
          #
          # @api private
          class Stub
            # The methods of {Internal::Native::Session} that stay as they are.
            OWN = %i[settings warnings inspect].freeze
            # The answer of {Session#counters}.
            COUNTERS = { fetches: 0, cached: 0, failures: 0, back_offs: 0, last_duration: nil, age: nil }.freeze
            # The fields of credentials that a stub may set.
            FIELDS = %i[access_key_id secret_access_key session_token expiration account_id region].freeze
            # The fields of an identity that a stub may set.
            IDENTITY_FIELDS = [*CallerIdentity.members, :milliseconds].freeze

            # @return [Integer]
            attr_reader :number

            # @param number [Integer]
            # @param identity [Object]
            # @param credentials [Object]
            def initialize(number, identity, credentials)
              @number = number
              @credentials = answer_to(credentials)
              @principal = principal_of(identity)
              @answers = { held: -> { @credentials if @credentials.is_a?(::Hash) }, known: -> { @principal if @principal.is_a?(::Hash) },
                           serial: -> { serial_of(@credentials) }, start: ->(_, purpose, _) { start(purpose) },
                           identity_serial: -> { serial_of(@principal) },
                           invalidate: ->(id) { @credentials.is_a?(::Hash) && @credentials[:access_key_id] == id },
                           events: ->(_) { nothing }, attempts: -> { nothing }, counters: -> { COUNTERS } }
            end

            # @param verb [Symbol]
            # @param arguments [Array]
            # @return [Object] nil or false for methods that only start or change something
            def answer(verb, arguments)
              answer = @answers[verb]
              return answer.call(*arguments) if answer

              false if %i[wait_for_fetch needs_refresh?].include?(verb)
            end

            private

            def nothing = []

            def no_details = {}

            def start(purpose) = purpose == :refresh && serial_of(@credentials)

            def serial_of(answer)
              raise answer unless answer.is_a?(::Hash)

              number
            end

            def answer_to(given)
              case given
              when nil then NoCredentialsError.new('There are no credentials: Testing.stub(credentials: nil).')
              when Credentials then fetched(FIELDS.to_h { |name| [name, given.public_send(name)] })
              when ::Hash then fetched(CREDENTIALS.merge(expiration: ::Time.now + 3600).merge(known(given, FIELDS, 'credentials')))
              else error(given, 'credentials')
              end
            end

            def known(given, fields, name)
              unknown = given.keys - fields
              raise ::ArgumentError, "#{name} has no field #{unknown.first.inspect}. There are #{fields.join(', ')}." if unknown.any?

              given
            end

            def fetched(fields)
              { serial: number, account_id: '123456789012', source: 'stub', region: 'us-east-1', degraded: nil, details: no_details, **fields,
                expiration: fields[:expiration]&.to_i }.freeze
            end

            def principal_of(given)
              case given
              when nil then NotOnAwsError.new('This is not AWS: Testing.stub(identity: nil).')
              when ::String then principal(arn: given)
              when ::Hash then principal(**known(given, IDENTITY_FIELDS, 'identity'))
              else error(given, 'identity')
              end
            end

            def principal(arn: IDENTITY, user_id: 'AROASTUBSTUBSTUBSTUBS:stubbed-session', **others)
              { region: 'us-east-1', source: 'stub', milliseconds: 0, **Internal::Native.principal(arn, user_id), **others, serial: number }.freeze
            end

            def error(given, name)
              return given if given.is_a?(::Exception) || (given.is_a?(::Class) && given <= ::Exception)

              raise ::ArgumentError, "#{name} is of class #{given.class}; see Testing.stub for what it takes."
            end
          end
          private_constant :Stub

          # Prepended to {Internal::Native::Session}, so that a stub answers first.
          Verbs = ::Module.new do
            (Internal::Native::Session.public_instance_methods(false) - Stub::OWN).each do |verb|
              define_method(verb) do |*arguments|
                stub = Testing.current
                stub ? stub.answer(verb, arguments) : super(*arguments)
              end
            end
          end
          # Written as `Internal::Native::Session.prepend`, YARD would look for the class, which Rust defines.
          Internal::Native::Session.public_send(:prepend, Verbs) # rubocop:disable Lint/SendWithMixinArgument, Style/SendWithLiteralMethodName

          # Makes LegionIO's provider see other settings for each stub, so that it makes a new session and serves nothing of another stub.
          Fingerprint = ::Module.new do
            define_method(:fingerprint) { |layers| [super(layers), Testing.current&.number].hash }
          end
          Internal::Layers.singleton_class.prepend(Fingerprint)
          private_constant :Verbs, :Fingerprint

          # Removes the stubs after each example.
          #
          # @api private
          module Frameworks
            # For Minitest, which calls it last in each test.
            module AfterTeardown
              # @return [void]
              def after_teardown
                super
              ensure
                Testing.reset
              end
            end

            # The setting of RSpec's configuration that says the hook is there, so that it is added once.
            SETTING = :lex_identity_aws_testing

            class << self
              # @return [Boolean] whether RSpec or Minitest is loaded
              def attach = [attach_to_rspec, attach_to_minitest].any?

              private

              def attach_to_rspec
                return false unless defined?(::RSpec::Core) && ::RSpec.respond_to?(:configuration)

                configuration = ::RSpec.configuration
                return true if configuration.respond_to?(SETTING)

                configuration.add_setting(SETTING, default: true)
                configuration.after { Testing.reset }
                true
              end

              # Prepending a module again changes nothing.
              def attach_to_minitest
                defined?(::Minitest::Test) ? ::Minitest::Test.prepend(AfterTeardown) && true : false
              end
            end
            attach
          end
          private_constant :Frameworks
        end
      end
    end
  end
end
