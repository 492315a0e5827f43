# frozen_string_literal: true

require_relative 'log'
require_relative 'own_thread'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Runs a job on a background thread that exists only while there is work. At most one thread exists at a time; {#run} during a
          # run repeats the job afterwards. A forked child starts its own thread.
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

            # Starts the job, or has it run once more where it is running.
            #
            # @return [Boolean] false where it cannot be started now: in a trap handler no lock can be taken, and the system may allow no
            #   more threads
            def run
              OwnThread.masked do # a thread that is started and not remembered would be a second one
                @lock.synchronize do
                  @requested = true
                  @bell.signal
                  @thread = OwnThread.start(unattended: false) { work } unless @thread&.alive?
                end
              end
              true
            rescue ::ThreadError => _e # the next use starts the job
              false
            end

            # @return [Boolean]
            def running? = @thread&.alive? || false

            # Called by the job: waits up to `seconds`, or returns at once where {#run} was called meanwhile, and clears that request.
            #
            # @param seconds [Numeric]
            # @return [Boolean] whether {#run} was called
            def wait_for(seconds)
              @lock.synchronize do
                @bell.wait(@lock, seconds) unless @requested
                @requested.tap { @requested = false }
              end
            end

            private

            def work
              @job.call(self) while requested?
            rescue ::Exception => e # rubocop:disable Lint/RescueException -- no caller joins this thread; the next use starts the job again
              raise if e.is_a?(::SystemExit)

              @log.error("a background job failed: #{e.class}: #{e.message}")
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

          # Seconds between two tries: 2, doubling up to 60, each up to a quarter more or less, so that after an outage the processes of many
          # machines do not ask AWS at the same moment.
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
