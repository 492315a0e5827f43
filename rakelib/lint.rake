# frozen_string_literal: true

# The static checks. The Ruby and RBS parts need gems that run on Ruby 3.4 only; where they are missing the task warns, and CI runs it
# where they are installed (LEX_LINT=all makes a missing one an error).

RUST_WORKSPACES = { 'Cargo.toml' => 'target', 'spec/core/Cargo.toml' => 'target', 'fuzz/Cargo.toml' => 'target',
                    'spec/fake_aws/Cargo.toml' => 'spec/fake_aws/target' }.freeze

def each_missing_gem_is_said(task, *gems)
  missing = gems.reject { |name| Gem::Specification.find_all_by_name(name).any? }
  return yield if missing.empty?

  did_not_lint("#{task} did not run: #{missing.join(', ')} not installed here (Ruby 3.4 or newer is needed; bin/setup --lint)")
end

def did_not_lint(why) = ENV['LEX_LINT'] == 'all' ? abort(why) : warn(why)

namespace :lint do
  desc 'cargo fmt --check and clippy, warnings being errors'
  task :rust do
    RUST_WORKSPACES.each do |manifest, target|
      sh 'cargo', 'fmt', '--all', '--check', '--manifest-path', manifest, verbose: false
      features = manifest.start_with?('fuzz') ? %w[--features programs] : [] # without libFuzzer, which needs a C++ compiler
      sh 'cargo', 'clippy', '--quiet', '--locked', '--workspace', '--all-targets', *features, '--manifest-path', manifest,
         '--target-dir', ENV.fetch('CARGO_TARGET_DIR', target), '--', '-D', 'warnings', verbose: false
    end
  end

  desc 'rubocop in the style of LegionIO'
  task :ruby do
    each_missing_gem_is_said('lint:ruby', 'rubocop', 'rubocop-legion') do
      ruby gem_program('rubocop'), '--format', 'simple', '--display-only-fail-level-offenses', verbose: false
    end
  end

  desc 'Check that the RBS is well-formed and that lib matches it'
  task :types do
    each_missing_gem_is_said('lint:types', 'rbs', 'steep') do
      ruby gem_program('rbs'), '-I', 'sig', 'validate'
      mkdir_p 'tmp', verbose: false
      # steep prints hundreds of lines about itself, which are not findings.
      ruby gem_program('steep'), 'check', '--log-output=tmp/steep.log'
    end
  end
end

desc 'All lints'
task lint: %w[lint:rust lint:crates lint:deny lint:ruby lint:types]
