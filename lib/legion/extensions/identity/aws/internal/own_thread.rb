# frozen_string_literal: true

require_relative '../errors'
require_relative 'secret'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # The threads that this gem starts. Whatever is raised in one of them stays there, so that `Thread.abort_on_exception` ends no other
          # thread; only a SystemExit passes, as from every thread of Ruby.
          #
          # @api private
          module OwnThread
            NAME = 'lex-identity-aws'
            # Thread variable of the threads that never prompt for an MFA code.
            UNATTENDED = :lex_identity_aws_unattended
            # Masks for Thread.handle_interrupt.
            NEVER = { ::Object => :never }.freeze
            AT_ONCE = { ::Object => :immediate }.freeze
            private_constant :NAME, :AT_ONCE

            class << self
              # @param unattended [Boolean] whether the thread must not prompt for an MFA code
              # @param at_end [Proc, nil] called last on the thread, masked, even if it is killed before it has begun
              # @yield on the new thread
              # @return [Thread]
              # @raise [ThreadError] where the system allows no more threads
              def start(unattended: true, at_end: nil, &job)
                masked do # the new thread inherits the mask, so nothing is raised in it before it rescues
                  thread = ::Thread.new do # rubocop:disable ThreadSafety/NewThread -- the one place that makes them
                    ::Thread.current.thread_variable_set(UNATTENDED, unattended) # here, since the thread may run before `new` returns
                    work(job, at_end)
                  end
                  thread.name = NAME
                  thread.report_on_exception = false
                  thread
                end
              end

              # Runs a block that waits. Where the current fiber belongs to a fiber scheduler, it runs on a thread of its own, so that the other
              # fibers go on; what ends the fiber's wait ends the block too.
              #
              # @return [Object] what the block returned
              # @raise [Exception] what the block raised
              def wait(&)
                ::Fiber.current_scheduler ? aside(&) : yield
              rescue ::ThreadError => _e # the system allows no more threads
                yield
              end

              # Runs a block on a thread of its own, with the fiber-local variables of the caller, and waits for it.
              #
              # @return [Object] what the block returned
              # @raise [Exception] what the block raised
              def aside
                outcome = ::Queue.new
                caller = ::Thread.current
                locals = Secret.new(caller.keys.to_h { |key| [key, caller[key]] })
                thread = start(unattended: unattended?) do
                  locals.value.each { |key, value| ::Thread.current[key] = value }
                  outcome << result_of { yield } # rubocop:disable Style/ExplicitBlockArgument -- it is called on another thread
                end
                thread.join
                raise Error, 'The thread that waited was ended. Ask again.' if outcome.empty?

                value, error = outcome.pop
                error ? raise(error) : value
              ensure
                thread&.kill
              end

              # @return [Boolean] whether the current thread must not prompt for an MFA code
              def unattended? = ::Thread.current.thread_variable_get(UNATTENDED) == true

              # Runs a block that must not be left half done: Thread#raise, Thread#kill and Timeout wait until it has ended. It must not wait.
              #
              # @return [Object] what the block returned
              def masked(&) = ::Thread.handle_interrupt(NEVER, &)

              private

              def result_of
                [yield, nil]
              rescue ::Exception => e # rubocop:disable Lint/RescueException -- it is raised where the block was given
                [nil, e]
              end

              def work(job, at_end)
                ::Thread.handle_interrupt(AT_ONCE) { job.call }
              rescue ::Exception => e # rubocop:disable Lint/RescueException -- it was meant for no other thread
                raise if e.is_a?(::SystemExit)
              ensure
                at_end&.call
              end
            end
          end
        end
      end
    end
  end
end
