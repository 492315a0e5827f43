# frozen_string_literal: true

require 'tmpdir'

# Runs libFuzzer on the targets in fuzz/. The compiler's own coverage is enough for code that forbids `unsafe`, so neither a nightly
# Rust nor cargo-fuzz is needed. A C++ compiler is.

FUZZ_FOLDER = '.local/fuzz' # the findings, and the corpus for the next run
FUZZ_FLAGS  = %w[-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
                 -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg=fuzzing].join(' ').freeze

# True where libFuzzer found nothing.
def fuzzed?(program, name, seconds)
  corpus = "#{FUZZ_FOLDER}/corpus/#{name}"
  found  = "#{FUZZ_FOLDER}/found/"
  mkdir_p [corpus, found], verbose: false
  Dir.mktmpdir('fuzz') do |folder|
    sh({ 'TMPDIR' => folder }, program, "-max_total_time=#{seconds}", '-timeout=10', '-rss_limit_mb=1024', '-print_final_stats=1',
       '-verbosity=0', "-artifact_prefix=#{found}#{name}-", corpus, "fuzz/seeds/#{name}", verbose: false) { |good, _| good }
  end
end

desc 'Search for inputs that break a parser: fuzz[60] spends 60 s on each, fuzz[60,arn] on one'
task :fuzz, %i[seconds target] do |_, given|
  triple  = `rustc --print host-tuple`.strip
  targets = Dir['fuzz/seeds/*'].map { |folder| File.basename(folder) }.sort & [*(given.target || Dir.children('fuzz/seeds'))]
  abort "there is no target #{given.target}" if targets.empty?

  # An explicit triple, although it is this machine's: otherwise build scripts would be instrumented as well.
  sh({ 'RUSTFLAGS' => FUZZ_FLAGS }, 'cargo', 'build', '--quiet', '--locked', '--release', '--bins', '--features', 'libfuzzer', '--target', triple,
     '--manifest-path', 'fuzz/Cargo.toml', '--target-dir', 'target/fuzz', verbose: false)
  broken = targets.reject do |name|
    puts "== #{name}"
    fuzzed?("target/fuzz/#{triple}/release/#{name}", name, given.seconds || 60)
  end
  abort "broken: #{broken.join(', ')}. The inputs are in #{FUZZ_FOLDER}/found; fix the parser, and add them to fuzz/seeds." if broken.any?
end
