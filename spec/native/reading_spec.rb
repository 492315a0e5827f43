# frozen_string_literal: true

require 'native/support/native_session_process'

RSpec.describe 'A read of held credentials', :native_session do
  it 'allocates nothing; nor does one of the identity' do
    said = facts(<<~RUBY)
      mine = session
      allocated = lambda do |verb|
        mine.public_send(verb)
        before = GC.stat(:total_allocated_objects)
        10_000.times { mine.public_send(verb) }
        GC.stat(:total_allocated_objects) - before
      end
      2.times { %i[credentials identity].each(&allocated) } # the first calls fill caches of the counting itself
      tell(credentials: allocated.call(:credentials), identity: allocated.call(:identity), fetches: mine.counters[:fetches])
    RUBY
    expect(said).to eq(credentials: 0, identity: 0, fetches: 2)
  end

  it 'returns the same object until new credentials are held, then those at once' do
    said = facts(<<~RUBY)
      mine  = session
      first = mine.credentials
      same  = Array.new(4) { Thread.new { mine.credentials.equal?(first) } }.map(&:value)
      mine.refresh!
      after = Array.new(4) { Thread.new { mine.credentials } }.map(&:value)
      tell(same: same, after: after.uniq(&:object_id).size, is_new: after.first.access_key_id != first.access_key_id, frozen: first.frozen?)
    RUBY
    expect(said).to eq(same: [true] * 4, after: 1, is_new: true, frozen: true)
  end

  it 'does not wait while AWS delays the refresh' do
    # A lifetime of 302 s: due for a refresh after 2 s, less up to one for the clock's whole seconds.
    local_aws.rule(action: 'AssumeRole', lifetime_seconds: 302)
    local_aws.rule(action: 'AssumeRole', hold: true, after: 1)
    said = facts(<<~RUBY)
      mine = session
      key  = mine.credentials.access_key_id
      eventually { mine.credentials && mine.counters[:fetches] == 2 }
      arrived(2)
      before = mine.counters[:cached]
      keys, seconds = took { Array.new(1_000) { mine.credentials.access_key_id }.uniq }
      cached = mine.counters[:cached] - before
      release_requests
      eventually { mine.credentials.access_key_id != key }
      tell(kept: keys == [key], seconds: seconds, cached: cached)
    RUBY
    expect(said).to match(kept: true, seconds: be < 5, cached: 1_000)
    expect(assume_role_requests).to eq(2)
  end

  # The whole run, ten refreshes, is read_latency.rb without arguments.
  it 'waits in none of 64 threads across two refreshes, with three requests in all' do
    script = File.expand_path('read_latency.rb', __dir__)
    result = ruby_process("load #{script.inspect}", arguments: %w[2 64], timeout: 50)
    expect(result.stderr).to be_empty
    expect(result.stdout).to include('64 threads, 3 credentials', '0 reads waited for AWS; 3 AssumeRole requests')
  end
end
