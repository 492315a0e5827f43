# frozen_string_literal: true

require_relative 'log'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # A job on a thread of its own, which lives as long as the job: never two at a time, and asked for once more while it runs, it
          # runs once more. A forked child starts its own.
          #
          # @api private
          class BackgroundJob
            # @param log [Log]
            # @yieldparam job [BackgroundJob]
            def initialize(log, &job)
              @log = log
              @job = job
              @lock = ::Mutex.new
              @bell = ::ConditionVariable.new
            end

            # @return [void]
            def run
              @lock.synchronize do
                @requested = true
                @bell.signal
                @thread = start unless @thread&.alive?
              end
              nil
            rescue ::ThreadError => _e # in a trap handler: the next use asks again
              nil
            end

            # @return [Boolean]
            def running? = @thread&.alive? || false

            # For the job: sleeps, unless it was asked for once more. The job has heard that then; the next pause is a whole one.
            #
            # @param seconds [Numeric]
            # @return [Boolean] whether it was
            def wait_for(seconds)
              @lock.synchronize do
                @bell.wait(@lock, seconds) unless @requested
                @requested.tap { @requested = false }
              end
            end

            private

            def start
              ::Thread.new { work }.tap do |thread| # rubocop:disable ThreadSafety/NewThread -- named, one at a time, and it ends with its job
                thread.name = 'lex-identity-aws'
                thread.report_on_exception = false
              end
            end

            def work
              @job.call(self) while requested?
            rescue ::StandardError, ::ScriptError => e # nobody waits for this thread; the next use asks again
              @log.error("a background job ended: #{e.class}: #{e.message}")
            end

            def requested?
              @lock.synchronize do
                requested = @requested
                @requested = false
                @thread = nil unless requested
                requested
              end
            end
          end

          # How long to leave AWS alone between two tries: 2 s, doubling to 60 s, each up to a quarter more or less, so that the machines
          # of an outage do not come back as one.
          #
          # @api private
          class Backoff
            FIRST = 2.0
            LAST = 60.0
            JITTER = (0.75..1.25)
            private_constant :FIRST, :LAST, :JITTER

            # @param random [Random]
            def initialize(random: ::Random)
              @random = random
              @next = FIRST
            end

            # @return [Float] seconds
            def next
              seconds = @next
              @next = [seconds * 2, LAST].min
              seconds * @random.rand(JITTER)
            end
          end
        end
      end
    end
  end
end
