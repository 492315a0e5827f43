# frozen_string_literal: true

require 'tmpdir'

# libFuzzer over the targets in fuzz/. The compiler's own coverage is enough for code that forbids `unsafe`, so that it takes neither a
# nightly Rust nor cargo-fuzz. It does take a C++ compiler.

FUZZ_FOLDER = '.local/fuzz' # what was found, and the inputs that reach new code, kept for the next time
FUZZ_FLAGS  = %w[-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
                 -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg=fuzzing].join(' ').freeze

# Ends with what libFuzzer says; true where it found nothing.
def fuzzed?(program, name, seconds)
  corpus = "#{FUZZ_FOLDER}/corpus/#{name}"
  found  = "#{FUZZ_FOLDER}/found/"
  mkdir_p [corpus, found], verbose: false
  Dir.mktmpdir('fuzz') do |folder|
    sh({ 'TMPDIR' => folder }, program, "-max_total_time=#{seconds}", '-timeout=10', '-rss_limit_mb=1024', '-print_final_stats=1',
       '-verbosity=0', "-artifact_prefix=#{found}#{name}-", corpus, "fuzz/seeds/#{name}", verbose: false) { |good, _| good }
  end
end

desc 'Look for inputs that break a parser: fuzz[60] spends 60 s on each, fuzz[60,arn] on one'
task :fuzz, %i[seconds target] do |_, given|
  host    = `rustc --print host-tuple`.strip
  targets = Dir['fuzz/seeds/*'].map { |folder| File.basename(folder) }.sort & [*(given.target || Dir.children('fuzz/seeds'))]
  abort "there is no target #{given.target}" if targets.empty?

  # A triple, although it is this machine's: else the programs of the build would be instrumented as well.
  sh({ 'RUSTFLAGS' => FUZZ_FLAGS }, 'cargo', 'build', '--quiet', '--locked', '--release', '--bins', '--features', 'libfuzzer', '--target', host,
     '--manifest-path', 'fuzz/Cargo.toml', '--target-dir', 'target/fuzz', verbose: false)
  broken = targets.reject do |name|
    puts "== #{name}"
    fuzzed?("target/fuzz/#{host}/release/#{name}", name, given.seconds || 60)
  end
  abort "broken: #{broken.join(', ')}. The inputs are in #{FUZZ_FOLDER}/found; mend it, and put them into fuzz/seeds." if broken.any?
end
