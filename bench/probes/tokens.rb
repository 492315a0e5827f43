# frozen_string_literal: true

# What proves the identity to other systems: the token that STS signs, and presigned ones.

Contestant.load
RunOne.time('identity_token') { Contestant.identity_token }
RunOne.each_of('identity_token_again') { Contestant.identity_token }
%w[eks rds].each do |kind|
  Contestant.presigned(kind)
  RunOne.each_of("token_#{kind}", calls_a_block: 10) { 10.times { Contestant.presigned(kind) } }
end
