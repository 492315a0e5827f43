# frozen_string_literal: true

require_relative 'preflight'

missing = LexIdentityAws::Preflight.new.missing
abort "\nlex-identity-aws cannot be compiled here:\n#{missing.values.map { |sentence| "  * #{sentence}\n" }.join}\n" unless missing.empty?

require 'mkmf'
require 'rb_sys/mkmf'

create_rust_makefile('legion/extensions/identity/aws/lex_identity_aws') do |build|
  # The preflight has answered for the toolchain: nothing is downloaded behind the user's back.
  build.auto_install_rust_toolchain = false
  # The lock file that ships is the set of crates that was tested; in a checkout it may still move.
  build.extra_cargo_args = ['--locked'] if build.rubygems_invoked?
  # As in .cargo/config.toml, which says why and which a gem does not have.
  build.env = { 'AWS_LC_SYS_NO_JITTER_ENTROPY' => '1', 'AWS_LC_SYS_USE_SYSTEM' => '0' }
end
