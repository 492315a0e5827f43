# frozen_string_literal: true

# Runs the specs in a child process, with the native library that ships and a local AWS on loopback.

FAKE_AWS = 'spec/fake_aws'

# Specs that need more than this checkout have tasks of their own.
SPECS_APART = %w[moto interop legionio].freeze

def rspec(*arguments)
  # Output of programs is UTF-8, independently of the locale.
  ruby '-Ilib', '-EUTF-8', '-rrspec/core', '-e', 'RSpec::Core::Runner.invoke', '--', *arguments, verbose: false
end

desc 'Build the local AWS of specs, demo and benchmarks'
task :fake_aws do
  next if ENV['FAKE_AWS_BIN']

  sh 'cargo', 'build', '--quiet', '--manifest-path', "#{FAKE_AWS}/Cargo.toml", verbose: false
  target = ENV.fetch('CARGO_TARGET_DIR', "#{FAKE_AWS}/target")
  ENV['FAKE_AWS_BIN'] = File.expand_path('debug/fake_aws', target)
end

desc 'Run the specs; SPEC=spec/unit/a_spec.rb or spec[-e name] selects some'
task :spec, [:arguments] => %i[compile fake_aws] do |_, given|
  arguments = [*ENV['SPEC']&.split, *given.arguments&.split]
  arguments << 'spec' if arguments.none? { |argument| argument.start_with?('spec') }
  rspec '--exclude-pattern', "spec/{#{SPECS_APART.join(',')}}/**/*_spec.rb", *arguments
end
