# frozen_string_literal: true

ENV['SPEC_SLOWDOWN'] ||= '30'
require 'support/ruby_process'

# For `rake valgrind`, which requires this file: every Ruby that the specs start runs under valgrind.
module UnderValgrind
  VALGRIND = ENV.fetch('UNDER_VALGRIND').split.freeze

  private

  def interpreter = VALGRIND + super
end

RubyProcess.prepend(UnderValgrind)
RSpec.configure do |config|
  config.filter_run_excluding :not_under_valgrind
end
