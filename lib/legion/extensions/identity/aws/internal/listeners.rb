# frozen_string_literal: true

require_relative '../change_event'
require_relative 'monotonic'
require_relative 'own_thread'
require_relative 'redacted'
require_relative 'fetches'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # The listeners of a session, and the one thread that calls them with each change. The thread exists only while there are listeners,
          # and refreshes credentials in time where no read does.
          #
          # A forked child has neither the thread nor the listeners.
          #
          # @api private
          class Listeners
            include Redacted

            # Longest wait in seconds before the thread looks at the session again, since the clock may be set or the machine may sleep.
            POLL_INTERVAL = 5.0
            # Seconds between two refreshes, doubling, where the error is not retryable. The core spaces the retryable ones.
            RETRY_RANGE = (1.0..60.0)
            private_constant :POLL_INTERVAL, :RETRY_RANGE

            # @param native [Native::Session]
            # @param fetches [Fetches]
            # @param log [Log]
            def initialize(native, fetches, log)
              @native = native
              @fetches = fetches
              @log = log
              @lock = ::Mutex.new
              @bell = ::ConditionVariable.new
              @listening = [] # replaced, never changed, so that a thread that iterates over it needs no lock
            end

            # @param block [#call] is told each event from now on
            # @return [Subscription]
            def add(block)
              OwnThread.masked do # a subscription or a thread that is made and not returned could not be ended
                @lock.synchronize do
                  abandon unless ours?
                  subscription = Subscription.new(self, newest, block)
                  @listening = [*remaining, subscription].freeze
                  @thread = OwnThread.start { run } unless @thread&.alive?
                  subscription
                end
              end
            end

            # @param subscription [Subscription]
            # @return [Boolean]
            def include?(subscription) = ours? && @listening.include?(subscription)

            # Wakes the thread, since something may have changed. Returns at once where there are no listeners.
            #
            # @return [void]
            def ring
              return if @listening.empty? && !@thread

              OwnThread.masked { @lock.synchronize { ring_locked if ours? } }
            rescue ::ThreadError => _e # in a trap handler no lock can be taken; where this signal is lost, the thread looks within POLL_INTERVAL
              @rung = true
              @bell.signal
            end

            # @return [String]
            def inspect = "#<#{self.class} #{@listening.size}>"

            private

            def ours? = @pid == ::Process.pid

            # Drops what a forked child inherited: the parent's thread does not exist in it.
            def abandon
              @pid = ::Process.pid
              @listening = []
              @thread = nil
              @told = newest
            end

            def ring_locked
              @rung = true
              @thread = OwnThread.start { run } unless remaining.empty? || @thread&.alive? # it may have been killed
              @bell.signal
            end

            # Those that have not ended: a subscription may end in a trap handler, where it cannot be removed.
            def remaining = @listening.select(&:subscribed?)

            def newest = @native.events(0).last&.fetch(:number) || 0

            def run
              @retry_delay = RETRY_RANGE.begin
              @not_before = Monotonic.now
              loop do
                tell
                break if done?

                pause unless @native.wait_for_fetch || refresh_if_due
              end
            end

            def done?
              @lock.synchronize do
                @listening = remaining.freeze
                @thread = nil if @listening.empty?
                @listening.empty?
              end
            end

            def tell
              @native.events(@told).each do |fields|
                event = event_of(fields)
                @told = event.number
                @retry_delay = RETRY_RANGE.begin if event.type == :refreshed
                @listening.each { |subscription| tell_one(subscription, event) }
              end
            end

            # A Float is no decimal fraction, so that without the rounding the time would print as one of powers of two.
            def event_of(fields)
              times = fields.slice(:expiration, :at).transform_values { |seconds| seconds && ::Time.at(seconds).utc.round(6).freeze }
              ChangeEvent.new(**fields, **times)
            end

            # Logs what a listener raises, so that it stops neither the other listeners nor the thread.
            def tell_one(subscription, event)
              subscription.tell(event)
            rescue ::Exception => e # rubocop:disable Lint/RescueException -- a NotImplementedError of one must not stop the others
              raise if e.is_a?(::SystemExit)

              @log.warn("a listener of on_change raised #{e.class} at :#{event.type}: #{e.message}")
            end

            # @return [Boolean] whether it started a fetch
            def refresh_if_due
              due = @native.due_in
              return false if due.nil? || due.positive? || Monotonic.now < @not_before

              @not_before = Monotonic.now + @retry_delay
              @retry_delay = [@retry_delay * 2, RETRY_RANGE.end].min
              @fetches.run(:prefetch)
            rescue Error => e # a read raises the same
              @log.debug("on_change: #{e.message}")
              false
            end

            def pause
              due = @native.due_in
              wait = due ? [due, @not_before - Monotonic.now].max : POLL_INTERVAL
              @lock.synchronize do
                @bell.wait(@lock, wait.clamp(0.01, POLL_INTERVAL)) unless @rung
                @rung = false
              end
            end
          end
        end

        # What {Session#on_change} returns: stops listening.
        class Subscription
          # @api private
          # @param listeners [Internal::Listeners]
          # @param after [Integer] number of the last event that is not for this one
          # @param block [#call]
          def initialize(listeners, after, block)
            @listeners = listeners
            @after = after
            @block = block
            @active = true
          end

          # @return [Boolean] whether events still come; false in a forked child
          def active? = @active && @listeners.include?(self)

          # @api private
          # @return [Boolean] whether {#unsubscribe} has not been called
          def subscribed? = @active

          # No event comes after this but one that is being told right now. Works in a trap handler.
          #
          # @return [void]
          def unsubscribe
            @active = false
            @listeners.ring
            nil
          end

          # @api private
          # @param event [ChangeEvent]
          # @return [void]
          def tell(event)
            @block.call(event) if @active && event.number > @after
          end

          # @return [String]
          def inspect = "#<#{self.class} active=#{active?}>"
        end
      end
    end
  end
end
