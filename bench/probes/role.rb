# frozen_string_literal: true

# The credentials of a role: the first set, then reading it.

Contestant.load
source = Probe.time('role') { Contestant.role(ENV.fetch('BENCH_ROLE')) }
exit if source.is_a?(Exception)

Probe.each_of('read', calls_a_block: 100) { 100.times { source.credentials } }
