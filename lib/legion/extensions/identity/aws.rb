# frozen_string_literal: true

# LegionIO requires this file by its absolute path, on a thread of its own, and rescues nothing but LoadError. So every failure here
# is raised as a LoadError, with its cause in the message.
begin
  # Two releases in one process would define the same constants twice, for two native libraries. A second copy of the same release
  # (a checkout beside an installed gem) only registers again.
  if defined?(Legion::Extensions::Identity::Aws::VERSION)
    loaded = Legion::Extensions::Identity::Aws::VERSION
    ours   = File.read("#{__dir__}/aws/version.rb")[/VERSION = '(.+)'/, 1]
    unless ours == loaded
      raise LoadError, "lex-identity-aws #{loaded} is loaded in this process, so #{ours} (#{__dir__}) cannot be. " \
                       'Restart the process to change over; keep one of them in the bundle.'
    end
    if Legion::Extensions::Identity::Aws.respond_to?(:identity_provider?) # defined last, so loading was completed
      Legion::Extensions::Identity::Aws::LegionIO::Registration.register
      return
    end
  end

  require_relative 'aws/version'
  require_relative 'aws/errors'
  require_relative 'aws/internal/native'
  require_relative 'aws/functions'
  require_relative 'aws/session'
  require_relative 'aws/terminal_token_provider'
  require_relative 'aws/legionio/extension'

  Legion::Extensions::Identity::Aws::LegionIO::Registration.register
rescue Exception => e # rubocop:disable Lint/RescueException -- in LegionIO's phase 0 anything but LoadError ends the process
  raise if [LoadError, SignalException, SystemExit].any? { |kind| e.is_a?(kind) }

  raise LoadError, "lex-identity-aws cannot be loaded: #{e.class}: #{e.message}", cause: e
end
