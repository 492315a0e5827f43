# frozen_string_literal: true

# How far a counting thread gets while another one waits for STS, beside how far it gets alone.

SECONDS = 0.15 # STS takes 0.4

# In a second.
def count
  counted = 0
  _, milliseconds = RunOne.took do
    deadline = RunOne.now + SECONDS
    counted += 1 while RunOne.now < deadline
  end
  counted * 1000 / milliseconds
end

# In percent.
def progress
  alone = count
  waiting = Thread.new { Contestant.identity_anew } # rubocop:disable ThreadSafety/NewThread -- what is measured
  sleep 0.1 # the request is on its way
  beside = count
  raise 'the wait was over before the counting was' unless waiting.alive?

  waiting.join
  beside * 100.0 / alone
end

Contestant.load
Contestant.identity # everything is loaded now
RunOne.say('progress', Array.new(5) { progress }.sort.fetch(2))
