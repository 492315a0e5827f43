# frozen_string_literal: true

require 'support/environment'
# First of all: AWS settings, proxies and trust stores of this machine must not reach a spec.
Environment.clean!

require 'legion/extensions/identity/aws'
%w[identity_sync registration].each { |file| require "legion/extensions/identity/aws/legionio/#{file}" } # specs name their classes
require 'support/local_aws'
require 'support/ruby_process'
require 'support/unfinished_threads'

RSpec.configure do |config|
  # One local AWS for the whole run, started when a spec first asks for it.
  config.add_setting :local_aws
  config.include(Module.new { def local_aws = RSpec.configuration.local_aws ||= LocalAws.start })

  config.include Environment
  config.include RubyProcess::Helper

  config.disable_monkey_patching!
  config.fail_if_no_examples = true
  config.mock_with(:rspec) { |mocks| mocks.verify_partial_doubles = true }
  config.example_status_persistence_file_path = 'spec/examples.txt'

  # Every example starts with the standard world, and has a time limit.
  config.around do |example|
    config.local_aws&.reset # answers requests that a rule holds
    UnfinishedThreads.wait
    config.local_aws&.forget_requests
    Timeout.timeout(example.metadata.fetch(:timeout, 60) * Slowdown::FACTOR) { example.run }
  end
  config.after(:suite) { config.local_aws&.stop }
end
