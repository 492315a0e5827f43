# frozen_string_literal: true

require_relative '../errors'
require_relative 'native'
require_relative 'own_thread'
require_relative 'redacted'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # The fetches of a session: starts them, waits for them, and answers the questions that they ask meanwhile.
          #
          # Questions that may prompt the user (the MFA code, and the credentials of a source that is a Session) are answered on the thread of
          # a waiting reader. All others are answered on a thread made for that one fetch, which goes on when a reader stops waiting.
          #
          # @api private
          class Fetches
            include Redacted

            # Questions that a helper thread answers.
            HELPER = %i[web_identity_token source].freeze
            # How many errors of questions are kept for the readers that still wait for them.
            KEPT = 4
            private_constant :HELPER, :KEPT

            # @param native [Native::Session]
            # @param callbacks [Callbacks, nil]
            def initialize(native, callbacks)
              @native = native
              @callbacks = callbacks
              @errors = with({}) # their causes may hold secrets
              @unattended = [(:source if callbacks&.source_session)].compact.freeze
              @attended = [(:token_code if callbacks&.token_provider?), *@unattended].compact.freeze
            end

            # @param purpose [Symbol] :credentials, :lasting, :identity, :refresh or :prefetch
            # @return [Integer, Boolean] the serial of the credentials or identity to use; for a prefetch whether one was started
            # @raise [Error]
            def run(purpose)
              return follow(purpose) unless @callbacks

              Dependencies::SHARED.wait_for(self) { follow(purpose) }
            end

            # @return [String]
            def inspect = "#<#{self.class}>"

            private

            def with(errors) = -> { errors }

            def follow(purpose)
              joined do |token|
                came = @native.start(token, purpose, nil)
                loop do
                  case came
                  when nil then came = wait(token, OwnThread.unattended? ? @unattended : @attended)
                  when ::Symbol then came = with_helper(came) { |helper| @native.start(token, purpose, helper) }
                  when ::Hash
                    error = answer(token, came)
                    return ahead(error) if purpose == :prefetch

                    came = nil
                  else return came
                  end
                end
              end
            rescue Error => e
              original = @errors.call[e.question] or raise
              raise original, cause: original.cause
            end

            def wait(token, takes) = OwnThread.wait { @native.wait(token, takes) }

            # Yields a new token, and has its reader leave afterwards, whatever another thread raises in this one at whatever line.
            def joined
              token = ::Object.new.object_id
              yield token
            ensure
              leave(token)
            end

            def leave(token) = OwnThread.masked { @native.leave(token) if token }

            # @return [Error, nil] why there is no answer
            def answer(token, question)
              answer = Dependencies::SHARED.answer(self) { @callbacks.ask(question, alone: OwnThread.unattended?) }
              reply(token, answer)
              nil
            rescue Error => e
              refuse(token, question, e)
              e
            end

            def refuse(token, question, error)
              errors = @errors.call
              errors[question[:number]] = error
              errors.shift while errors.size > KEPT
              reply(token, error.message)
            end

            # The answer is wrapped, or says why there is none. A helper thread that has replied ends, so a fetch that begins from here on needs another one.
            def reply(token, answer)
              @asked = nil if @asked.equal?(::Thread.current)
              @native.answer(token, answer.is_a?(::Hash) ? answer.transform_values(&:value) : answer)
            end

            # The result of a prefetch, which does not wait for AWS: an error of the callback is raised only where no credentials are held.
            def ahead(error)
              raise error if error && !@native.held

              error.nil?
            end

            # Starts the helper thread before the fetch, so that a fetch never waits for a thread that cannot be created. A helper that is
            # still busy with an earlier fetch answers this one too, so that no callback is called twice at a time.
            def with_helper(wanted)
              return yield(false) if wanted == :helper && @callbacks.source_session
              return yield(true) if @asked&.alive?

              begun = ::Queue.new
              token = ::Object.new.object_id
              helper = start_helper(token, begun)
              # Masked, because a fetch that began without its helper thread would wait for it.
              OwnThread.masked do
                yield(true).tap do
                  @native.start(token, :help, true)
                  begun << true
                  leave(token) unless helper.alive? # it may have been killed
                end
              end
            rescue ::ThreadError => e # the system allows no more threads
              raise NoCredentialsError, "The next credentials cannot be asked for: #{e.message}." if wanted == :helper

              false
            ensure
              begun&.close
            end

            def start_helper(token, begun)
              OwnThread.start(at_end: -> { leave(token) }) do
                question = @native.wait(token, HELPER) if begun.pop
                answer_here(token, question) if question.is_a?(::Hash)
              end
            end

            # Answers the question; where this thread exits or is killed before, the waiting readers get an error.
            def answer_here(token, question)
              @asked = ::Thread.current
              answer(token, question)
              is_answered = true
            ensure
              refuse(token, question, NoCredentialsError.new("The thread that asked the #{question[:name]} was ended.")) unless is_answered
            end
          end
        end
      end
    end
  end
end
