# frozen_string_literal: true

require 'English'

# What must hold before a test is run. The Ruby and RBS parts need gems that run on Ruby 3.4 only; where they are missing the
# task says so, and CI runs it where they are there (LEX_LINT=all makes a missing one an error).

RUST_WORKSPACES = { 'Cargo.toml' => 'target', 'spec/core/Cargo.toml' => 'target', 'fuzz/Cargo.toml' => 'target',
                    'spec/fake_aws/Cargo.toml' => 'spec/fake_aws/target' }.freeze

# What deny.toml bans, which this can tell in a blink and without cargo-deny.
def banned_crates
  File.read('deny.toml').scan(/\{ crate = "([\w-]+)(?:@([\d.]+))?"/).map { |name, version| /\A#{name} v#{Regexp.escape(version.to_s)}/ }
end

CARGO_DENY = '.local/cargo-deny-*/bin/cargo-deny'

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
      features = manifest.start_with?('fuzz') ? %w[--features programs] : [] # else libFuzzer would be compiled, which needs C++
      sh 'cargo', 'clippy', '--quiet', '--locked', '--workspace', '--all-targets', *features, '--manifest-path', manifest,
         '--target-dir', ENV.fetch('CARGO_TARGET_DIR', target), '--', '-D', 'warnings', verbose: false
    end
  end

  desc 'Crates that must not come in'
  task :crates do
    crates = IO.popen(%w[cargo tree --locked --workspace --edges normal,build --target all --prefix none], &:readlines)
    abort 'cargo tree failed' unless $CHILD_STATUS.success?
    found = crates.map(&:strip).uniq.grep(Regexp.union(banned_crates))
    abort "these crates must not be in the gem: #{found.join(', ')} (see who asks for them with cargo tree --invert NAME)" if found.any?
  end

  desc 'cargo-deny: licences, bans and sources of the crates, and known weaknesses where their database can be reached'
  task :deny do
    deny = Dir[CARGO_DENY].max || ('cargo-deny' if system('cargo', 'deny', '--version', out: File::NULL, err: File::NULL))
    next did_not_lint('lint:deny did not run: cargo-deny is not installed here (bin/setup --deny)') unless deny

    sh deny, '--locked', 'check', 'licenses', 'bans', 'sources', verbose: false
    if system(deny, 'fetch', 'db', out: File::NULL, err: File::NULL)
      sh deny, '--locked', 'check', 'advisories', verbose: false
    else
      warn 'The advisory database cannot be reached: known weaknesses were NOT looked for.'
    end
  end

  desc 'rubocop in the style of LegionIO'
  task :ruby do
    each_missing_gem_is_said('lint:ruby', 'rubocop', 'rubocop-legion') do
      ruby gem_program('rubocop'), '--format', 'simple', '--display-only-fail-level-offenses', verbose: false
    end
  end

  desc 'RBS: is it well-formed, and does lib hold to it'
  task :types do
    each_missing_gem_is_said('lint:types', 'rbs', 'steep') do
      ruby gem_program('rbs'), '-I', 'sig', 'validate'
      ruby gem_program('steep'), 'check' if File.exist?('Steepfile')
    end
  end
end

desc 'All lints'
task lint: %w[lint:rust lint:crates lint:deny lint:ruby lint:types]
