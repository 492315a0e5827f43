# frozen_string_literal: true

require_relative '../errors'
require_relative 'dependencies'
require_relative 'native'
require_relative 'redacted'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # The fetches of a session: begins them, waits for them, and answers what they ask meanwhile.
          #
          # A reader answers on its own thread what may need a person: the MFA code, and the credentials of a source that is a Session.
          # All else is answered on a thread made for that one fetch, which no reader's end ends.
          #
          # @api private
          class Fetches
            include Redacted

            # Set on threads of ours, where no MFA code is asked for.
            UNATTENDED = :lex_identity_aws_unattended
            # What a helper thread answers.
            HELPER = %i[web_identity_token source].freeze
            # How many errors of questions are kept for those who still wait.
            KEPT = 4
            # Of all sessions of this process.
            DEPENDENCIES = Dependencies.new
            private_constant :HELPER, :KEPT, :DEPENDENCIES

            # @return [Boolean] whether this thread is one of ours
            def self.unattended? = ::Thread.current.thread_variable_get(UNATTENDED) == true

            # @param native [Native::Session]
            # @param callbacks [Callbacks, nil]
            def initialize(native, callbacks)
              @native = native
              @callbacks = callbacks
              @errors = with({}) # their causes may hold secrets
              @unattended = [(:source if callbacks&.source_session)].compact.freeze
              @attended = [(:token_code if callbacks&.token_provider?), *@unattended].compact.freeze
            end

            # @param purpose [Symbol] :credentials, :identity, :refresh or :prefetch
            # @return [Integer, Boolean] the serial of what is to be used now; for a prefetch whether one was started
            # @raise [Error]
            def run(purpose)
              return follow(purpose) unless @callbacks

              DEPENDENCIES.wait_for(self) { follow(purpose) }
            end

            # @return [String]
            def inspect = "#<#{self.class}>"

            private

            def with(errors) = -> { errors }

            # The token is there before anything is begun, so that whatever ends this thread leaves.
            def follow(purpose)
              token = ::Object.new.object_id
              came = @native.start(token, purpose, nil)
              loop do
                case came
                when nil then came = @native.wait(token, self.class.unattended? ? @unattended : @attended)
                when ::Symbol then came = with_helper(came) { |helper| @native.start(token, purpose, helper) }
                when ::Hash
                  error = answer(token, came)
                  return ahead(error) if purpose == :prefetch

                  came = nil
                else return came
                end
              end
            rescue Error => e
              original = @errors.call[e.question] or raise
              raise original, cause: original.cause
            ensure
              leave(token)
            end

            # Under a mask, so that nothing comes between.
            def leave(token) = ::Thread.handle_interrupt(::Object => :never) { @native.leave(token) }

            # @return [Error, nil] why there is no answer
            def answer(token, question)
              value = DEPENDENCIES.answer(self) { @callbacks.ask(question, alone: self.class.unattended?) }
              @native.answer(token, value)
              nil
            rescue Error => e
              refuse(token, question, e)
              e
            end

            def refuse(token, question, error)
              errors = @errors.call
              errors[question[:number]] = error
              errors.shift while errors.size > KEPT
              @native.answer(token, error.message)
            end

            # A prefetch does not wait for AWS.
            def ahead(error)
              raise error if error && !@native.held

              error.nil?
            end

            # The thread is there before the fetch, or the fetch does not begin. One that is still being asked for an earlier fetch
            # answers this one: what is asked is not asked twice at a time.
            def with_helper(wanted)
              return yield(false) if wanted == :helper && @callbacks.source_session
              return yield(true) if @asked&.alive?

              token = ::Object.new.object_id
              begun = ::Queue.new
              helper = start_helper(token, begun)
              came = yield(true)
              @native.start(token, :help, true)
              begun << true
              leave(token) unless helper.alive? # somebody killed it
              came
            rescue ::ThreadError => e # there can be no more threads
              raise NoCredentialsError, "The next credentials cannot be asked for: #{e.message}." if wanted == :helper

              false
            ensure
              begun&.close
            end

            def start_helper(token, begun)
              ::Thread.new { help(token, begun) }.tap do |thread| # rubocop:disable ThreadSafety/NewThread -- one a fetch, and it ends with it
                thread.name = 'lex-identity-aws'
                thread.report_on_exception = false # those who wait hear of it
                thread.thread_variable_set(UNATTENDED, true)
              end
            end

            def help(token, begun)
              question = @native.wait(token, HELPER) if begun.pop
              answer_here(token, question) if question.is_a?(::Hash)
            ensure
              leave(token)
            end

            # Whatever ends this thread, those who wait hear of it.
            def answer_here(token, question)
              @asked = ::Thread.current
              answer(token, question)
              is_answered = true
            ensure
              @asked = nil
              refuse(token, question, NoCredentialsError.new("The thread that asked the #{question[:name]} was ended.")) unless is_answered
            end
          end
        end
      end
    end
  end
end
