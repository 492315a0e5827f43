# frozen_string_literal: true

require_relative '../errors'
require_relative 'monotonic'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Whose turn it is to ask: one thread of a session asks its user's objects, the others wait for what comes of it.
          #
          # @api private
          class Turn
            # One asking: who does it, what for, and what came of it.
            class Asking
              # @return [Symbol] the verb that needs the answer
              attr_reader :purpose
              # @return [Object, nil] what came of it
              attr_accessor :answer
              # @return [Error, nil] or why nothing did
              attr_accessor :error

              # @param purpose [Symbol]
              def initialize(purpose)
                @purpose = purpose
                @pid = ::Process.pid
                @thread = ::Thread.current
                @fiber = ::Fiber.current
              end

              # @param thread [Thread] does the rest of it
              # @return [void]
              def hand_to(thread)
                @thread = thread
                @fiber = nil
              end

              # Everything is asked; what is still waited for bounds itself.
              #
              # @return [void]
              def answered = @answered = true

              # @return [Boolean]
              def answered? = @answered == true

              # @return [void]
              def finish = @finished = true

              # A thread that is gone asks no more; in a forked child all but one are.
              #
              # @return [Boolean]
              def over? = @finished || !@thread.alive? || @pid != ::Process.pid

              # @return [Boolean] whether it is what the caller runs inside of
              def around? = @fiber ? @fiber == ::Fiber.current : @thread == ::Thread.current
            end

            # How often those who wait look whether the one whose turn it is still lives.
            POLL_INTERVAL = 1.0
            private_constant :POLL_INTERVAL

            def initialize
              @lock = ::Mutex.new
              @ended = ::ConditionVariable.new
              @asking = nil
            end

            # @param purpose [Symbol]
            # @return [Array(Asking, Boolean)] whose turn it is now, and whether it is the caller's
            # @raise [ConfigurationError] where the caller is being asked himself
            def take(purpose)
              @lock.synchronize do
                return [@asking = Asking.new(purpose), true] if @asking.nil? || @asking.over?

                refuse_recursion if @asking.around?
                [@asking, false]
              end
            end

            # Does what the turn is for, and lets those who wait know what came of it.
            #
            # @param asking [Asking]
            # @return [Object] what the block returned
            def keep(asking)
              asking.answer = yield
            rescue Error => e
              asking.error = e
              raise
            rescue ::StandardError, ::ScriptError => e # were a defect of ours not told, those who wait would ask again without end
              raise asking.error = InternalError.new("Asking for what the next credentials need ended in #{e.class}. Please report it.")
            ensure
              finish(asking)
            end

            # @param asking [Asking]
            # @return [void]
            def finish(asking)
              @lock.synchronize do
                asking.finish
                @ended.broadcast
              end
            end

            # @param asking [Asking]
            # @param limit [Float] seconds for the answers of the user's objects
            # @return [Boolean] whether it came to an end
            def wait(asking, limit)
              deadline = Monotonic.now + limit
              @lock.synchronize do
                until asking.over?
                  left = asking.answered? ? POLL_INTERVAL : deadline - Monotonic.now
                  return false unless left.positive?

                  @ended.wait(@lock, [left, POLL_INTERVAL].min)
                end
              end
              true
            end

            private

            def refuse_recursion
              raise ConfigurationError, 'A token_provider, source or web_identity_token reads the very session that asks it. ' \
                                        'Have it use other credentials.'
            end
          end
        end
      end
    end
  end
end
