# frozen_string_literal: true

# The specs, in a Ruby of their own, against the native library that ships and a local AWS on loopback.

FAKE_AWS = 'spec/fake_aws'

desc 'Build the local AWS that specs, demo and benchmarks talk to'
task :fake_aws do
  next if ENV['FAKE_AWS_BIN']

  sh 'cargo', 'build', '--quiet', '--manifest-path', "#{FAKE_AWS}/Cargo.toml", verbose: false
  target = ENV.fetch('CARGO_TARGET_DIR', "#{FAKE_AWS}/target")
  ENV['FAKE_AWS_BIN'] = File.expand_path('debug/fake_aws', target)
end

# In a Ruby of its own; without arguments the specs that need nothing but this checkout.
def rspec(*arguments)
  arguments = Dir['spec/{unit,native}'] if arguments.empty?
  ruby '-Ilib', '-rrspec/core', '-e', 'RSpec::Core::Runner.invoke', '--', *arguments, verbose: false
end

desc 'Run the specs; SPEC=spec/unit/a_spec.rb or spec[-e name] narrows them'
task :spec, [:arguments] => %i[compile fake_aws] do |_, given|
  rspec(*ENV['SPEC']&.split, *given.arguments&.split)
end

desc 'Run the cargo tests: of the core, and of the local AWS'
task :core do
  sh 'cargo', 'test', '--quiet', '--package', 'aws_identity', verbose: false
  sh 'cargo', 'test', '--quiet', '--manifest-path', "#{FAKE_AWS}/Cargo.toml", verbose: false
end
