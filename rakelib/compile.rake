# frozen_string_literal: true

# The native library: extconf.rb writes a Makefile, make calls cargo, the result is copied to where Ruby looks for it.
# Every build of the checkout shares target/, so that the AWS crates are compiled once.

NATIVE_LIBRARY = "lex_identity_aws.#{RbConfig::CONFIG['DLEXT']}".freeze
NATIVE_FOLDER  = 'lib/legion/extensions/identity/aws'
BUILD_FOLDER   = File.join('tmp', RbConfig::CONFIG['arch'], RUBY_VERSION)

makefile = File.join(BUILD_FOLDER, 'Makefile')

directory BUILD_FOLDER

file makefile => [BUILD_FOLDER, 'ext/lex_identity_aws/extconf.rb', 'ext/lex_identity_aws/preflight.rb', 'Cargo.toml'] do
  cd(BUILD_FOLDER, verbose: false) { ruby '../../../ext/lex_identity_aws/extconf.rb', verbose: false }
end

desc 'Compile the native library (RB_SYS_CARGO_PROFILE=dev for a quick, unoptimized one)'
task compile: makefile do
  # cargo decides what has changed, so it always runs; with nothing to do it takes a fifth of a second.
  target = File.expand_path(ENV.fetch('CARGO_TARGET_DIR', 'target'))
  sh({ 'RB_SYS_CARGO_TARGET_DIR' => target }, 'make', '--silent', '--no-print-directory', '-C', BUILD_FOLDER, verbose: false)

  built = File.join(BUILD_FOLDER, NATIVE_LIBRARY)
  ours  = File.join(NATIVE_FOLDER, NATIVE_LIBRARY)
  next if File.exist?(ours) && FileUtils.identical?(built, ours)

  # Replaces the file instead of overwriting it: a process that has the library mapped keeps the one it loaded.
  cp built, "#{ours}.new", verbose: false
  mv "#{ours}.new", ours, verbose: false
end

desc 'Remove what was built (bin/setup keeps its things in .local, and they stay)'
task :clean do
  rm_rf ['tmp', 'pkg', 'doc', File.join(NATIVE_FOLDER, NATIVE_LIBRARY)]
  sh 'cargo', 'clean', '--quiet'
  sh 'cargo', 'clean', '--quiet', '--manifest-path', 'spec/fake_aws/Cargo.toml'
end
