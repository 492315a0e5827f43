# frozen_string_literal: true

# The credentials of a role: the first fetch, then reading them.

Contestant.load
source = RunOne.time('role') { Contestant.role(ENV.fetch('BENCH_ROLE')) }
exit if source.is_a?(Exception)

RunOne.each_of('read', calls_a_block: 100) { 100.times { source.credentials } }
