# frozen_string_literal: true

require_relative 'stub'

module Legion
  module Extensions
    module Identity
      module Aws
        module Testing
          # The stubs in place, of which the last one is in force, and the events that they are for listeners.
          #
          # @api private
          class Stack
            # The core numbers its fetches and events from 1; a stub's number must be none of theirs.
            FIRST_SERIAL = 1_000_000_000
            # How many events are kept.
            KEPT = 64
            private_constant :FIRST_SERIAL, :KEPT

            # @return [Array<Hash>] as {Internal::Native::Session} gives its own
            attr_reader :events

            def initialize
              @lock = ::Mutex.new
              @stubs = []
              @events = []
              @serial = FIRST_SERIAL
            end

            # @return [Stub, nil]
            def top = @stubs.last&.first

            # @param identity [Object]
            # @param credentials [Object]
            # @param scope [Object] with whose end the stub ends
            # @return [Stub]
            def push(identity, credentials, scope)
              @lock.synchronize do
                stub = Stub.new(@serial += 1, identity, credentials, -> { events })
                @stubs += [[stub, scope]]
                @events = [*@events, stub.event(attempt)].last(KEPT)
                stub
              end
            end

            # @param stub [Stub]
            # @return [void]
            def remove(stub)
              @lock.synchronize { @stubs = @stubs.reject { |placed, _| placed.equal?(stub) } }
            end

            # @param scope [Object]
            # @return [void]
            def end_scope(scope)
              @lock.synchronize { @stubs = @stubs.reject { |_, placed| placed == scope } }
            end

            # @return [void]
            def clear
              @lock.synchronize { @stubs = [] }
            end

            private

            # What the `attempt` of a failure would be now.
            def attempt = 1 + @events.reverse.take_while { |event| event[:type] == :refresh_failed }.size
          end
          private_constant :Stack
        end
      end
    end
  end
end
