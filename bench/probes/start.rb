# frozen_string_literal: true

# From nothing to the first identity, then the same question again.

Probe.time('require') { Contestant.load }
Probe.memory('loaded')
answer = Probe.time('first') { Contestant.identity }
Probe.memory('used')
exit if answer.nil?

Probe.each_of('again') { Contestant.identity }
exit unless Contestant.respond_to?(:lease)

Contestant.lease
Probe.each_of('lease') { Contestant.lease }
