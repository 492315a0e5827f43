# frozen_string_literal: true

# How long it takes to learn that there is no identity here. One says nil, another raises: both are answers.

Contestant.load
answer, milliseconds = RunOne.took { Contestant.identity }
raise "off AWS there was an answer: #{answer.inspect}" unless answer.nil? || answer.class.to_s.end_with?('MissingCredentialsError')

RunOne.say('answer', milliseconds)
