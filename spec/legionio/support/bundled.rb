# frozen_string_literal: true

# What an application with a Gemfile does before anything of LegionIO is there.
if File.basename($PROGRAM_NAME) == 'legionio'
  require 'bundler'
  ENV['BUNDLE_GEMFILE'] ||= File.join(Dir.home, 'Gemfile')
  Bundler.setup
  Bundler.require
end
