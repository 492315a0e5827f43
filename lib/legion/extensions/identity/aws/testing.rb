# frozen_string_literal: true

require_relative '../aws'

module Legion
  module Extensions
    module Identity
      module Aws
        # For the specs of those who use this gem: an identity and credentials without AWS and without a network. Not loaded by default.
        #
        #   require 'legion/extensions/identity/aws/testing'
        #
        #   it 'signs with the credentials of the machine' do
        #     Legion::Extensions::Identity::Aws::Testing.stub(identity: 'arn:aws:iam::123456789012:user/demo')
        #     …
        #   end
        #
        # In RSpec and Minitest the stub ends with the example; with a block, where the block ends. While it is there it answers for
        # every {Session}, those made before included, and for {Identity}, in all threads. Settings are read and checked as ever.
        module Testing
          # Who one is unless told otherwise.
          IDENTITY = 'arn:aws:sts::123456789012:assumed-role/stubbed-role/stubbed-session'
          # What one has unless told otherwise. Expires in an hour.
          CREDENTIALS = { access_key_id: 'ASIASTUBSTUBSTUBSTUB', secret_access_key: 'stubbed-secret-access-key', session_token: 'stubbed-session-token' }.freeze

          class << self
            # Answers in place of AWS from now on.
            #
            # @param identity [String, Hash, Exception, Class, nil] an ARN as GetCallerIdentity prints it; or a Hash with `arn` and what
            #   else differs (`canonical_name`, `user_id`, `region`, …); or an error to raise; nil: not on AWS
            # @param credentials [Credentials, Hash, Exception, Class, nil] or a Hash of what differs from {CREDENTIALS} (also
            #   `expiration`, a Time, `account_id`, `region`); or an error to raise; nil: there are none
            # @yield what the stub is for; without a block it is there until the example ends
            # @return [Object] what the block returned; without one, nil
            # @raise [ArgumentError] for what is neither of these; and without a block where no example is being run
            def stub(identity: IDENTITY, credentials: {})
              unless block_given? || Frameworks.attach
                raise ::ArgumentError, 'stub without a block ends with the example of RSpec or Minitest, and neither is loaded. Give it a block.'
              end

              added = STACK.push(identity, credentials)
              return unless block_given?

              begin
                yield
              ensure
                STACK.remove(added)
              end
            end

            # Ends all stubs. RSpec and Minitest do it after each example.
            #
            # @return [void]
            def reset
              STACK.clear
              nil
            end

            # @api private
            # @return [Stub, nil] the one that answers now
            def current = STACK.top
          end

          # The stubs in force; the last one answers.
          #
          # @api private
          class Stack
            # No reader may mistake a stub's set for AWS's, whose serials the core counts from 1.
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

          # What answers: the verbs of {Internal::Native::Session} that ask AWS, or tell of it.
          #
          # @api private
          class Stub
            # Of {Internal::Native::Session}: what has nothing to do with AWS.
            OWN = %i[settings warnings inspect].freeze
            # What {Session#counters} says meanwhile.
            COUNTERS = { flights: 0, cached: 0, failures: 0, back_offs: 0, last_duration: nil, age: nil }.freeze
            # Of a set of credentials.
            FIELDS = %i[access_key_id secret_access_key session_token expiration account_id region].freeze

            # @return [Integer]
            attr_reader :number

            # @param number [Integer]
            # @param identity [Object]
            # @param credentials [Object]
            def initialize(number, identity, credentials)
              @number = number
              @set = answer_to(credentials)
              @principal = principal_of(identity)
              @answers = { held: -> { @set if @set.is_a?(::Hash) }, known: -> { @principal if @principal.is_a?(::Hash) },
                           serial: -> { serial_of(@set) }, start: ->(_, purpose, _) { start(purpose) }, identity_serial: -> { serial_of(@principal) },
                           invalidate: ->(id) { @set.is_a?(::Hash) && @set[:access_key_id] == id }, events: ->(_) { nothing }, attempts: -> { nothing },
                           counters: -> { COUNTERS } }
            end

            # @param verb [Symbol]
            # @param arguments [Array]
            # @return [Object] nil or false for the verbs that only start or end something
            def answer(verb, arguments)
              answer = @answers[verb]
              return answer.call(*arguments) if answer

              false if %i[land needs_refresh?].include?(verb)
            end

            private

            def nothing = []

            def no_details = {}

            def start(purpose) = purpose == :refresh && serial_of(@set)

            def serial_of(answer)
              raise answer unless answer.is_a?(::Hash)

              number
            end

            def answer_to(given)
              case given
              when nil then NoCredentialsError.new('There are no credentials: Testing.stub(credentials: nil).')
              when Credentials then set(FIELDS.to_h { |name| [name, given.public_send(name)] })
              when ::Hash then set(CREDENTIALS.merge(expiration: ::Time.now + 3600).merge(known(given)))
              else error(given, 'credentials')
              end
            end

            def known(given)
              unknown = given.keys - FIELDS
              raise ::ArgumentError, "credentials has #{unknown.first.inspect}, which a set of credentials has not." if unknown.any?

              given
            end

            def set(fields)
              { serial: number, account_id: '123456789012', source: 'stub', region: 'us-east-1', degraded: nil, details: no_details, **fields,
                expiration: fields[:expiration]&.to_i }.freeze
            end

            def principal_of(given)
              case given
              when nil then NotOnAwsError.new('This is not AWS: Testing.stub(identity: nil).')
              when ::String then principal(arn: given)
              when ::Hash then principal(**given)
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

          # Put before the verbs of {Internal::Native::Session}.
          Verbs = ::Module.new do
            (Internal::Native::Session.public_instance_methods(false) - Stub::OWN).each do |verb|
              define_method(verb) do |*arguments|
                stub = Testing.current
                stub ? stub.answer(verb, arguments) : super(*arguments)
              end
            end
          end
          # In plain words YARD would look for the class, which Rust defines.
          Internal::Native::Session.public_send(:prepend, Verbs) # rubocop:disable Lint/SendWithMixinArgument, Style/SendWithLiteralMethodName

          # Has LegionIO's provider make a session of its own for each stub: what it remembers of one is not served with another.
          Fingerprint = ::Module.new do
            define_method(:fingerprint) { |layers| [super(layers), Testing.current&.number].hash }
          end
          Internal::Layers.singleton_class.prepend(Fingerprint)
          private_constant :Verbs, :Fingerprint

          # Ends stubs with the example.
          #
          # @api private
          module Frameworks
            # For Minitest, whose tests call it last.
            module AfterTeardown
              # @return [void]
              def after_teardown
                super
              ensure
                Testing.reset
              end
            end

            # Where RSpec's configuration says that it has our hook: it does not look at what a hook does.
            SETTING = :lex_identity_aws_testing

            class << self
              # @return [Boolean] whether there is a framework that ends examples
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

              # Once it is there, a second time changes nothing.
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
