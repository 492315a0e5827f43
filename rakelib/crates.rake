# frozen_string_literal: true

require 'English'

# Checks the crates in the gem against deny.toml.

# The bans of deny.toml, checked quickly and without cargo-deny.
def banned_crates
  File.read('deny.toml').scan(/\{ crate = "([\w-]+)(?:@([\d.]+))?"/).map { |name, version| /\A#{name} v#{Regexp.escape(version.to_s)}/ }
end

CARGO_DENY = '.local/cargo-deny-*/bin/cargo-deny'

def cargo_deny = Dir[CARGO_DENY].max || ('cargo-deny' if system('cargo', 'deny', '--version', out: File::NULL, err: File::NULL))

namespace :lint do
  desc 'Check that no banned crate is in the gem'
  task :crates do
    crates = IO.popen(%w[cargo tree --locked --workspace --edges normal,build --target all --prefix none], &:readlines)
    abort 'cargo tree failed' unless $CHILD_STATUS.success?
    found = crates.map(&:strip).uniq.grep(Regexp.union(banned_crates))
    abort "these crates must not be in the gem: #{found.join(', ')} (cargo tree --invert NAME shows which crate needs it)" if found.any?
  end

  desc 'cargo-deny: licences, bans and sources of the crates'
  task :deny do
    deny = cargo_deny or next did_not_lint('lint:deny did not run: cargo-deny is not installed here (bin/setup --deny)')
    sh deny, '--locked', 'check', 'licenses', 'bans', 'sources', verbose: false
  end

  # Not part of lint, which must pass without the network. The status tells CI that the check did not run.
  desc 'cargo-deny: known weaknesses of the crates; status 75 where their database cannot be reached'
  task :advisories do
    deny = cargo_deny or abort('lint:advisories did not run: cargo-deny is not installed here (bin/setup --deny)')
    unless system(deny, 'fetch', 'db')
      warn 'lint:advisories did not run: the advisory database cannot be reached, so known weaknesses were not looked for.'
      exit 75
    end
    sh deny, '--locked', 'check', 'advisories', verbose: false
  end
end
