# frozen_string_literal: true

# This gem beside aws-sdk-ruby and beside 0.1.0, in one run. LegionIO and 0.1.0 need Ruby 3.4: where bin/setup --legionio has put one
# beside an older Ruby, the run is made with that one.

BENCH_QUICK   = ENV['BENCH'] == 'quick'
BENCH_RESULTS = '.local/bench/results.json' # .local is the one folder that a run under bin/with-ruby 3.4 shares with us
BENCH_KEPT    = 'bench/results.json'

desc 'Measure beside aws-sdk-ruby and 0.1.0; BENCH=quick measures everything once and keeps nothing'
task :bench do
  beside = RUBY_VERSION < '3.4' && File.exist?('.local/rubies/root/complete')
  beside ? sh('bin/with-ruby', '3.4', 'rake', 'bench:measure', verbose: false) : Rake::Task['bench:measure'].invoke
  Rake::Task['bench:report'].invoke
end

namespace :bench do
  # The local AWS at its quickest.
  task :fake_aws do
    sh 'cargo', 'build', '--quiet', '--release', '--manifest-path', "#{FAKE_AWS}/Cargo.toml", verbose: false
    ENV['FAKE_AWS_BIN'] = File.expand_path('release/fake_aws', ENV.fetch('CARGO_TARGET_DIR', "#{FAKE_AWS}/target"))
  end

  task measure: %i[compile build bench:fake_aws] do
    require 'json'
    %w[bench machine size].each { |name| require_relative "../bench/#{name}" }
    results = Bench.new(quick: BENCH_QUICK).run
    results[:machine] = Machine.facts
    results[:size] = Size.of(GEM_FILE, File.join(NATIVE_FOLDER, NATIVE_LIBRARY))
    mkdir_p File.dirname(BENCH_RESULTS), verbose: false
    # A line for each list: a run changes as many lines as figures.
    File.write(BENCH_RESULTS, "#{JSON.pretty_generate(results).gsub(/\[[^\[\]]*\]/) { |list| list.gsub(/\s+/, ' ') }}\n")
  end

  desc 'Table and picture of the last run'
  task :report do
    require 'json'
    require_relative '../bench/report'
    report = Report.new(JSON.parse(File.read(BENCH_RESULTS)))
    puts report.terminal
    next if BENCH_QUICK

    cp BENCH_RESULTS, BENCH_KEPT, verbose: false
    mkdir_p 'docs', verbose: false
    File.write('docs/bench.md', report.markdown)
    File.write('docs/bench.svg', report.picture)
  end
end
