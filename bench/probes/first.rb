# frozen_string_literal: true

# The first answer alone.

Contestant.load
RunOne.time('first') { Contestant.identity }
