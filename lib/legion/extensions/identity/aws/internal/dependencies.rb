# frozen_string_literal: true

require_relative '../errors'
require_relative 'own_thread'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Records which session's fetches wait for which: a callback that reads another session makes the first wait for the second.
          # A read that would close a circle raises, since it would wait for itself for ever.
          #
          # @api private
          class Dependencies
            KEY = :lex_identity_aws_answers # fiber-local: the fetches whose question this fiber is answering
            private_constant :KEY

            # @return [Boolean] whether the code that runs here was called to answer a question of a session: what it does must not ask that
            #   session again
            def self.answering? = !::Thread.current[KEY].nil?

            def initialize
              @lock = ::Mutex.new
              @waits = []
            end

            # Runs the block, which waits for a fetch of `fetches`.
            #
            # @param fetches [Fetches]
            # @return [Object] what the block returned
            # @raise [ConfigurationError] where `fetches` waits for the caller already
            # @raise [NoCredentialsError] in a trap handler, where no lock can be taken
            def wait_for(fetches)
              wait = [answered, fetches].freeze
              add(wait)
              yield
            ensure
              remove(wait)
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

            # Of all sessions of this process, since a circle may span several.
            SHARED = new

            private

            # A forked child inherits the variable, but answers no question of its parent.
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
              raise NoCredentialsError, 'The next credentials cannot be asked for in a trap handler. Read them outside of signal handlers.'
            end

            # Masked, so that no Thread#raise leaves a wait behind, which later reads would take for a circle. In a trap handler, where no
            # lock can be taken, and in a circle it was never added.
            def remove(wait)
              OwnThread.masked do
                next if @waits.none? { |other| other.equal?(wait) }

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
