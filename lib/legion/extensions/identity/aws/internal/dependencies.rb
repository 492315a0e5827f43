# frozen_string_literal: true

require_relative '../errors'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Which fetch waits for which: one whose question is being answered by a read of another session waits for that one. A circle
          # would wait for itself.
          #
          # @api private
          class Dependencies
            KEY = :lex_identity_aws_answers # of a fiber: the session's fetches whose question is being answered on it
            private_constant :KEY

            def initialize
              @lock = ::Mutex.new
              @waits = []
            end

            # Runs the block, which waits for what `fetches` brings.
            #
            # @param fetches [Fetches]
            # @return [Object] what the block returned
            # @raise [ConfigurationError] where that waits for the caller
            # @raise [NoCredentialsError] in a trap handler, where no lock can be taken
            def wait_for(fetches)
              wait = [answered, fetches].freeze
              add(wait)
              yield
            ensure
              remove(wait) if @waits.any? { |other| other.equal?(wait) } # which it is not in a trap handler, nor in a circle
            end

            # Runs the block, which answers a question of `fetches`.
            #
            # @param fetches [Fetches]
            # @return [Object] what the block returned
            def answer(fetches)
              before = ::Thread.current[KEY]
              ::Thread.current[KEY] = [fetches, ::Process.pid]
              yield
            ensure
              ::Thread.current[KEY] = before
            end

            private

            # In a forked child no question of the parent's is answered.
            def answered
              fetches, pid = ::Thread.current[KEY]
              fetches if pid == ::Process.pid
            end

            def add(wait)
              @lock.synchronize do
                forget_parent
                next unless wait.first
                raise ConfigurationError, circle if reaches?(wait.last, wait.first)

                @waits << wait
              end
            rescue ::ThreadError => _e
              raise NoCredentialsError, 'Nobody can be asked for the next credentials in a trap handler. Read them outside of signal handlers.'
            end

            # Under a mask: one that is left behind would make circles where there are none.
            def remove(wait)
              ::Thread.handle_interrupt(::Object => :never) do
                @lock.synchronize { @waits.delete_if { |other| other.equal?(wait) } }
              end
            end

            def forget_parent
              return if @pid == ::Process.pid

              @pid = ::Process.pid
              @waits = []
            end

            def reaches?(from, to, seen = [])
              return true if from.equal?(to)
              return false if seen.any? { |other| other.equal?(from) }

              @waits.any? { |wait| wait.first.equal?(from) && reaches?(wait.last, to, [*seen, from]) }
            end

            def circle
              'A token_provider, source or web_identity_token reads the very session that asks it, itself or through another one. ' \
                'Have it use other credentials.'
            end
          end
        end
      end
    end
  end
end
