# frozen_string_literal: true

require 'timeout'

# A background refresh may outlive its example, and the next example must not count its request.
module UnfinishedThreads
  Native = Legion::Extensions::Identity::Aws::Internal::Native
  # Seconds, for all sessions together: some examples leave fetches that hang.
  WAIT_TIMEOUT = 0.5

  # Waits for the fetches in flight of all sessions so far.
  def self.wait
    Timeout.timeout(WAIT_TIMEOUT) { ObjectSpace.each_object(Native::Session).to_a.each(&:wait_for_fetch) }
  rescue Timeout::Error, Legion::Extensions::Identity::Aws::Error => _e
    nil
  end
end
