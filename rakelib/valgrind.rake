# frozen_string_literal: true

require 'tmpdir'

# The seam under valgrind: its specs, and every Ruby they start. Ruby itself is full of what valgrind calls errors; ours are those where
# the innermost frame that is not the C library's stands in our library.

VALGRIND_SPECS = %w[gc reading waiting fork].map { |name| "spec/native/#{name}_spec.rb" }.freeze

# Ruby's collector looks at whatever lies on a stack, so that undefined values mean nothing here.
def valgrind(logs)
  %W[valgrind --log-file=#{logs}/%p --undef-value-errors=no --leak-check=full --show-leak-kinds=definite --num-callers=40 --error-limit=no
     --max-stackframe=8388608]
end

# What valgrind says of our library. A forked child has lost the threads of its parent, and what they held: its leaks do not count.
def valgrind_findings(logs)
  texts = Dir["#{logs}/*"].to_h { |file| [File.basename(file), File.read(file).scrub] }
  abort 'valgrind has seen no Ruby that the specs started' if texts.size < 2

  texts.values.flat_map do |text|
    forked = texts.key?(text[/Parent PID: (\d+)/, 1])
    text.gsub(/^==\d+== ?/, '').split(/\n\s*\n/).select { |found| of_our_library?(found) && !(forked && found.include?('definitely lost')) }
  end
end

def of_our_library?(finding)
  frames = finding.scan(/^ +(?:at|by) 0x\h+: (.*)$/).flatten
  frames.grep_v(%r{vgpreload|/libc[.-]|/ld-linux|\.[chS]:\d+\)$}).first&.include?(NATIVE_LIBRARY)
end

desc 'The specs of the seam under valgrind: fails for wrong accesses and lost memory of our library (some minutes; SPEC narrows it)'
task valgrind: %i[compile fake_aws] do
  Dir.mktmpdir('valgrind') do |logs|
    ENV['UNDER_VALGRIND'] = valgrind(logs).join(' ')
    sh(*valgrind(logs), Gem.ruby, '-Ilib', '-EUTF-8', '-rrspec/core', '-e', 'RSpec::Core::Runner.invoke', '--', '--require', 'support/under_valgrind',
       *(ENV['SPEC']&.split || VALGRIND_SPECS), verbose: false)
    findings = valgrind_findings(logs)
    puts(findings.map { |finding| finding.lines.first(16).join }) # the rest is Ruby's
    abort "valgrind: #{findings.size} findings in #{NATIVE_LIBRARY}" if findings.any?
    puts "valgrind: nothing wrong in #{NATIVE_LIBRARY}, in #{Dir.children(logs).size} processes"
  end
end
