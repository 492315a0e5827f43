# frozen_string_literal: true

# The specs, in a Ruby of their own, against the native library that ships and a local AWS on loopback.

FAKE_AWS = 'spec/fake_aws'

# What needs more than this checkout has a task of its own.
SPECS_APART = %w[moto interop legionio].freeze

def rspec(*arguments)
  # What programs print is UTF-8, whatever the locale is here.
  ruby '-Ilib', '-EUTF-8', '-rrspec/core', '-e', 'RSpec::Core::Runner.invoke', '--', *arguments, verbose: false
end

desc 'Build the local AWS that specs, demo and benchmarks talk to'
task :fake_aws do
  next if ENV['FAKE_AWS_BIN']

  sh 'cargo', 'build', '--quiet', '--manifest-path', "#{FAKE_AWS}/Cargo.toml", verbose: false
  target = ENV.fetch('CARGO_TARGET_DIR', "#{FAKE_AWS}/target")
  ENV['FAKE_AWS_BIN'] = File.expand_path('debug/fake_aws', target)
end

desc 'Run the specs; SPEC=spec/unit/a_spec.rb or spec[-e name] narrows them'
task :spec, [:arguments] => %i[compile fake_aws] do |_, given|
  arguments = [*ENV['SPEC']&.split, *given.arguments&.split]
  arguments << 'spec' if arguments.none? { |argument| argument.start_with?('spec') }
  rspec '--exclude-pattern', "spec/{#{SPECS_APART.join(',')}}/**/*_spec.rb", *arguments
end
