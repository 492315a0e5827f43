# frozen_string_literal: true

# One of many processes that all want the same role at once.

Contestant.load
Contestant.role(ENV.fetch('BENCH_ROLE')).credentials.access_key_id
