# frozen_string_literal: true

# The tests in Rust: of the core, of the core against the local AWS, of the fuzz targets' seeds, and of the local AWS itself. The last
# three are workspaces of their own, which the gem does not ship; the AWS crates are compiled once for all.
desc 'Run the cargo tests'
task :core do
  target = File.expand_path(ENV.fetch('CARGO_TARGET_DIR', 'target'))
  sh 'cargo', 'test', '--quiet', '--package', 'aws_identity', verbose: false
  sh 'cargo', 'test', '--quiet', '--manifest-path', 'spec/core/Cargo.toml', '--target-dir', target,
     '--', '--test-threads', '12', verbose: false # they mostly wait
  sh 'cargo', 'test', '--quiet', '--locked', '--manifest-path', 'fuzz/Cargo.toml', '--target-dir', target, verbose: false
  sh 'cargo', 'test', '--quiet', '--manifest-path', 'spec/fake_aws/Cargo.toml', verbose: false
end
