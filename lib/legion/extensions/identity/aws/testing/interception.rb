# frozen_string_literal: true

require 'monitor'
require_relative '../internal/layers'
require_relative '../internal/listeners'
require_relative '../internal/native'
require_relative 'stub'

module Legion
  module Extensions
    module Identity
      module Aws
        module Testing
          # Puts {Testing} between this gem and its core.
          #
          # @api private
          module Interception
            # The methods of {Internal::Native::Session} that may send a request.
            NETWORK = %i[serial identity_serial start identity_token].freeze
            # What the methods are recorded as; of `start` it is the purpose.
            ASKED = { serial: :credentials, identity_serial: :identity, identity_token: :identity_token, presigned: :token }.freeze
            # Purposes of `start` that are recorded.
            PURPOSES = %i[credentials identity refresh prefetch].freeze

            # Prepended to {Internal::Native::Session}, so that a stub answers first.
            Verbs = ::Module.new do
              (Internal::Native::Session.public_instance_methods(false) - Stub::OWN).each do |verb|
                define_method(verb) do |*arguments|
                  # @type self: Internal::Native::Session
                  stub = Testing.current
                  if stub
                    Interception.record(self, verb, arguments)
                    stub.answer(self, verb, arguments)
                  else
                    Testing.check_network(Interception.described(self, verb, arguments)) if NETWORK.include?(verb)
                    super(*arguments)
                  end
                end
              end
            end

            # Prepended to what starts an examination: no stub answers for the doctor.
            Examination = ::Module.new do
              define_method(:start) do |*arguments|
                Testing.check_network('the doctor')
                super(*arguments)
              end
            end

            # Makes LegionIO's provider see other settings for each stub, so that it makes a new session and serves nothing of another stub.
            Fingerprint = ::Module.new do
              define_method(:fingerprint) { |layers| [super(layers), Testing.current&.number].hash }
            end

            # Has the listeners of every session told on the thread that makes a stub, before {Testing.stub} returns.
            Delivery = ::Module.new do
              monitor = ::Monitor.new # a listener may make a stub
              define_method(:tell) { monitor.synchronize { super() } }
              private :tell
            end

            class << self
              # @return [void]
              def install
                # Written as `Internal::Native::Session.prepend`, YARD would look for the class, which Rust defines.
                Internal::Native::Session.public_send(:prepend, Verbs) # rubocop:disable Lint/SendWithMixinArgument, Style/SendWithLiteralMethodName
                Internal::Native::Examination.singleton_class.prepend(Examination)
                Internal::Layers.singleton_class.prepend(Fingerprint)
                Internal::Listeners.prepend(Delivery)
              end

              # @return [void]
              def deliver
                ::ObjectSpace.each_object(Internal::Listeners).to_a.each { |listeners| listeners.__send__(:tell) if listeners.__send__(:ours?) }
              end

              # @param verb [Symbol]
              # @param arguments [Array]
              # @return [Symbol, nil]
              def asked(verb, arguments)
                return ASKED[verb] unless verb == :start

                purpose = arguments.fetch(1)
                purpose if PURPOSES.include?(purpose)
              end

              # @param native [Internal::Native::Session]
              # @param verb [Symbol]
              # @param arguments [Array]
              # @return [String] for an error
              def described(native, verb, arguments)
                chosen = native.settings.slice(:profile, :role_arn).filter_map { |name, setting| setting[:value] && "#{name} #{setting[:value]}" }
                ["#{asked(verb, arguments) || :credentials} of a session", chosen.join(' and ')].reject(&:empty?).join(' with ')
              end

              # @param native [Internal::Native::Session]
              # @param verb [Symbol]
              # @param arguments [Array]
              # @return [void]
              def record(native, verb, arguments)
                asked = asked(verb, arguments)
                Testing.record(native, asked, words(verb, arguments)) if asked
              end

              private

              def words(verb, arguments)
                case verb
                when :identity_token then arguments.fetch(0)
                when :presigned then { kind: arguments.fetch(0).to_sym, region: arguments[2], **arguments.fetch(1) }.compact
                else {}
                end
              end
            end
          end
          private_constant :Interception
        end
      end
    end
  end
end
