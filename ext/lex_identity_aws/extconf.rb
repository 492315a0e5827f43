# frozen_string_literal: true

require_relative 'preflight'

preflight = LexIdentityAws::Preflight.new
problems = preflight.report
abort problems if problems

# make runs later, in an environment without this change, so the Makefile has it too.
rust = preflight.rust_folder
ENV['PATH'] = "#{rust}:#{ENV.fetch('PATH', nil)}" if rust

require 'mkmf'
require 'rb_sys/mkmf'

create_rust_makefile('legion/extensions/identity/aws/lex_identity_aws') do |build|
  # The preflight has answered for the toolchain: nothing is downloaded behind the user's back.
  build.auto_install_rust_toolchain = false
  # The lock file that ships is the set of crates that was tested; in a checkout it may still move.
  build.extra_cargo_args = ['--locked'] if build.rubygems_invoked?
  build.extra_rustflags = preflight.rust_flags
  # As in .cargo/config.toml, which says why and which a gem does not have.
  build.env = { 'AWS_LC_SYS_NO_JITTER_ENTROPY' => '1', 'AWS_LC_SYS_USE_SYSTEM' => '0' }
  build.env['PATH'] = "#{rust}:$(PATH)" if rust
end
