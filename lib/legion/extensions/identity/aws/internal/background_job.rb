# frozen_string_literal: true

require_relative 'log'

module Legion
  module Extensions
    module Identity
      module Aws
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
      end
    end
  end
end
