# frozen_string_literal: true

require 'native/support/native_session_process'

RSpec.describe 'The garbage collector', :native_session do
  # Collects at every allocation for the block.
  stress = <<~RUBY
    def stress
      GC.stress = true
      yield
    ensure
      GC.stress = false
    end
  RUBY

  it 'may run at every allocation of a request, a read and an identity' do
    said = facts(<<~RUBY)
      #{stress}
      said = stress do
        mine = session
        2.times { mine.credentials }
        { key: mine.credentials.access_key_id, arn: mine.identity.arn, asked: mine.attempts.size, fetches: mine.counters[:fetches] }
      end
      tell(**said)
    RUBY
    expect(said).to match(key: start_with('ASIA'), arn: start_with('arn:aws:sts::'), asked: 2, fetches: 2)
  end

  it 'may run at every allocation of four threads' do
    said = facts(<<~RUBY)
      #{stress}
      sessions = Array.new(8) { session }
      keys = stress { sessions.each_slice(2).map { |some| Thread.new { some.map { |one| one.credentials.access_key_id } } }.flat_map(&:value) }
      tell(distinct: keys.uniq.size)
    RUBY
    expect(said).to eq(distinct: 8)
  end

  it 'may run at every allocation of a failure' do
    local_aws.rule(action: 'AssumeRole', answer: { error: { status: 403, code: 'AccessDenied', message: 'not you' } })
    said = facts(<<~RUBY)
      #{stress}
      mine = session
      failure, = stress { took { mine.credentials } }
      tell(class: failure.class.name, code: failure.code, attempts: failure.attempts.size)
    RUBY
    expect(said).to eq(class: 'Legion::Extensions::Identity::Aws::AccessDeniedError', code: 'AccessDenied', attempts: 2)
  end

  it 'may run at every allocation of waits that are killed' do
    local_aws.rule(action: 'AssumeRole', hold: true)
    said = facts(<<~RUBY)
      #{stress}
      mine = session
      stress do
        3.times do
          waiter = Thread.new { mine.credentials }
          eventually { waiter.status == 'sleep' }
          waiter.kill.join
        end
      end
      let_go
      tell(key: mine.credentials.access_key_id, fetches: mine.counters[:fetches])
    RUBY
    expect(said).to match(key: start_with('ASIA'), fetches: 1)
  end

  it 'may move everything, between requests and during one' do
    local_aws.rule(action: 'AssumeRole', hold: true, after: 50)
    said = facts(<<~RUBY)
      sessions = Array.new(50) { session }
      keys  = sessions.map { |one| one.credentials.access_key_id }
      arns  = sessions.first(5).map { |one| one.identity.arn }
      flying  = session
      waiters = Array.new(3) { Thread.new { flying.credentials.access_key_id } }
      arrived(56)
      3.times { GC.compact }
      GC.verify_compaction_references(toward: :empty, RUBY_VERSION < '3.2' ? :double_heap : :expand_heap => true)
      GC.auto_compact = true
      let_go
      tell(kept: sessions.map { |one| one.credentials.access_key_id } == keys && sessions.first(5).map { |one| one.identity.arn } == arns,
           flown: waiters.map(&:value).uniq, fetches: sessions.sum { |one| one.counters[:fetches] },
           afterwards: Array.new(50) { session.credentials.access_key_id }.uniq.size)
    RUBY
    expect(said).to match(kept: true, flown: [start_with('ASIA')], fetches: 55, afterwards: 50)
  end

  it 'may collect sessions whose requests are under way' do
    local_aws.rule(action: 'AssumeRole', hold: true)
    said = facts(<<~RUBY)
      60.times { session.prefetch }
      arrived(60)
      5.times { GC.start }
      left   = ObjectSpace.each_object(Aws::Session).count
      flying = fetch_threads
      let_go
      eventually { fetch_threads.zero? }
      tell(left: left, flying: flying, afterwards: session.credentials.access_key_id)
    RUBY
    # A slot of the stack that still looks like a reference keeps one or the other.
    expect(said).to match(left: be < 10, flying: 60, afterwards: start_with('ASIA'))
  end
end
