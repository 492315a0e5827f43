# frozen_string_literal: true

require 'support/ruby_process'

# For `rake valgrind`, which requires this file: whatever Ruby the specs start runs under valgrind too, and gets the time that takes.
module UnderValgrind
  VALGRIND = ENV.fetch('UNDER_VALGRIND').split.freeze
  # How much longer everything may take.
  SLOWDOWN = 30

  def wait_for(pattern, timeout: 10) = super(pattern, timeout: timeout * SLOWDOWN)

  def finish(timeout: 20) = super(timeout: timeout * SLOWDOWN)

  private

  def interpreter = VALGRIND + super
end

RubyProcess.prepend(UnderValgrind)
RSpec.configure do |config|
  config.filter_run_excluding :not_under_valgrind
  config.define_derived_metadata { |metadata| metadata[:timeout] = 60 * UnderValgrind::SLOWDOWN }
end
