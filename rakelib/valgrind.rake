# frozen_string_literal: true

require 'tmpdir'

# Runs the native specs, and every Ruby they start, under valgrind. Ruby itself causes many of valgrind's errors; ours are those whose
# innermost frame outside of the C library is in our library.

VALGRIND_SPECS = %w[gc reading waiting fork].map { |name| "spec/native/#{name}_spec.rb" }.freeze

# Ruby's collector reads whole stacks, so undefined values are not reported.
def valgrind(logs)
  %W[valgrind --log-file=#{logs}/%p --undef-value-errors=no --leak-check=full --show-leak-kinds=definite --num-callers=40 --error-limit=no
     --max-stackframe=8388608]
end

# valgrind's errors in our library. A forked child does not have its parent's threads, whose memory is lost: its leaks do not count.
def valgrind_findings(logs)
  texts = Dir["#{logs}/*"].to_h { |file| [File.basename(file), File.read(file).scrub] }
  abort 'valgrind has run no Ruby that the specs started' if texts.size < 2

  texts.values.flat_map do |text|
    forked = texts.key?(text[/Parent PID: (\d+)/, 1])
    text.gsub(/^==\d+== ?/, '').split(/\n\s*\n/).select { |found| of_our_library?(found) && !(forked && found.include?('definitely lost')) }
  end
end

def of_our_library?(finding)
  frames = finding.scan(/^ +(?:at|by) 0x\h+: (.*)$/).flatten
  frames.grep_v(%r{vgpreload|/libc[.-]|/ld-linux|\.[chS]:\d+\)$}).first&.include?(NATIVE_LIBRARY)
end

desc 'Run the native specs under valgrind: fails for invalid accesses and leaks of our library (some minutes; SPEC selects files)'
task valgrind: %i[compile fake_aws] do
  passed = false
  Dir.mktmpdir('valgrind') do |logs|
    ENV['UNDER_VALGRIND'] = valgrind(logs).join(' ')
    sh(*valgrind(logs), Gem.ruby, '-Ilib', '-EUTF-8', '-rrspec/core', '-e', 'RSpec::Core::Runner.invoke', '--', '--require', 'support/under_valgrind',
       *(ENV['SPEC']&.split || VALGRIND_SPECS), verbose: false) { |ok, _| passed = ok }
    findings = valgrind_findings(logs)
    puts(findings.map { |finding| finding.lines.first(16).join }) # the rest is Ruby's
    abort "valgrind: #{findings.size} findings in #{NATIVE_LIBRARY}" if findings.any?
    abort 'valgrind: no findings, but the specs failed' unless passed
    puts "valgrind: no findings in #{NATIVE_LIBRARY}, in #{Dir.children(logs).size} processes"
  end
end
