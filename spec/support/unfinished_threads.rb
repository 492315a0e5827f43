# frozen_string_literal: true

require 'timeout'

# A refresh in the background outlives the example that began it, and the next example must not count its request.
module UnfinishedThreads
  Native = Legion::Extensions::Identity::Aws::Internal::Native
  # Seconds, together: some examples leave behind what hangs.
  WAIT_TIMEOUT = 0.5

  # Waits for what the sessions so far have in the air.
  def self.land
    Timeout.timeout(WAIT_TIMEOUT) { ObjectSpace.each_object(Native::Session).to_a.each(&:land) }
  rescue Timeout::Error, Legion::Extensions::Identity::Aws::Error => _e
    nil
  end
end
