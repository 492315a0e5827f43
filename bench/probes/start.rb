# frozen_string_literal: true

# From nothing to the first identity, then the same question again.

RunOne.time('require') { Contestant.load }
RunOne.memory('loaded')
answer = RunOne.time('first') { Contestant.identity }
RunOne.memory('used')
exit if answer.nil?

RunOne.each_of('again') { Contestant.identity }
exit unless Contestant.respond_to?(:lease)

Contestant.lease
RunOne.each_of('lease') { Contestant.lease }
