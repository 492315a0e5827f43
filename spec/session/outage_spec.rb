# frozen_string_literal: true

require 'session/support/mfa_users'

RSpec.describe 'A session in an outage of STS', :mfa_users do
  around { |example| with_env(local_aws.env_with_keys) { example.run } }

  let(:log) { StringIO.new }

  def session(**options) = MfaUsers::Aws::Session.new(role_arn: MfaUsers::WORKER, logger: Logger.new(log), **options)

  def warnings = log.string.lines.grep(/WARN/)

  # Reads without a pause until the moment, and returns what was read and the longest time a read took.
  def read(session, till)
    sets = []
    longest = 0.0
    while Time.now < till
      set, seconds = took { session.credentials }
      sets << set unless set.equal?(sets.last)
      longest = [longest, seconds].max
      sleep 0.001
    end
    [sets, longest]
  end

  it 'serves the set for its whole life and beyond, warns once, and recovers within a back-off' do
    lifetime(6)
    shared = session
    first = shared.credentials
    ended = first.expiration
    before = asked_of_sts.size
    outage do
      sets, longest = read(shared, ended + 3)
      expect(sets).to all(have_attributes(access_key_id: first.access_key_id, expiration: ended))
      expect(sets.last).to have_attributes(degraded: /ServiceUnavailable/, expired?: true)
      expect(warnings.size).to eq(1)
      expect(longest).to be < 1
    end
    # Advisory from 3 s on, a back-off of 1 to 2 s, so in 6 s: two tries each.
    expect(asked_of_sts.size - before).to be_between(2 * 3, 2 * 7)
    recovered, seconds = took { eventually { !shared.credentials.expired? } }
    expect(recovered).to be_nil
    expect(seconds).to be < 2.5
    expect(shared.credentials).to have_attributes(degraded: nil)
    expect(warnings.size).to eq(1)
    expect(log.string).to include('renewed again')
    expect(shared.counters).to include(failures: be_between(3, 7), back_offs: be_between(3, 7), cached: be > 1000, fetches: be >= 4)
  end

  it 'warns once for all of its threads, and once more at the next outage' do
    lifetime(3)
    shared = session
    shared.credentials
    outage do
      sleep 2
      Array.new(16) { thread { 20.times { shared.credentials && sleep(0.02) } } }.each(&:join)
    end
    eventually { !shared.credentials.expired? && shared.credentials.degraded.nil? }
    expect(warnings.size).to eq(1)
    outage do
      sleep 2
      20.times { shared.credentials && sleep(0.02) }
    end
    expect(warnings.size).to eq(2)
  end

  it 'raises where nothing is held, at each read, and holds the first set there is' do
    shared = session
    outage { 2.times { expect { shared.credentials }.to raise_error(MfaUsers::Aws::ServiceError, &:outage?) } }
    expect(shared.credentials).to be_set
    expect(warnings).to be_empty
  end

  it 'calls no lease valid that has ended, and says why it is handed out' do
    provider = MfaUsers::Aws::LegionIO::Provider.new(role_arn: MfaUsers::WORKER)
    lifetime(2)
    first = provider.provide_token
    outage do
      sleep 2.1
      expect(provider.provide_token).to have_attributes(valid?: false, expires_at: first.expires_at, metadata: include(degraded: /ServiceUnavailable/))
    end
  end

  it 'keeps to its windows while the clocks of AWS and of this machine differ' do
    [-200, 200].each do |skew|
      local_aws.reset
      local_aws.rule(service: :sts, skew_seconds: skew)
      shared = session(session_duration: 900)
      set = shared.credentials
      20.times { expect(shared.credentials).to equal(set) }
      expect(shared.needs_refresh?).to be(false)
      expect(asked_of_sts('AssumeRole').size).to eq(1)
      expect(set.expiration).to be_within(5).of(Time.now + 900 + skew)
    end
  end

  it 'refreshes at once when the clock has jumped to the end of the set' do
    shared = session(session_duration: 900)
    set = shared.credentials
    local_aws.rule(service: :sts, skew_seconds: 1000)
    begin
      shared.identity # STS says what time it is
    rescue MfaUsers::Aws::Error => e
      expect(e.code).to eq('ExpiredToken')
    end
    expect(shared.credentials).not_to eq(set)
    expect(asked_of_sts('AssumeRole').map { |request| request[:status] }).to end_with(200)
  end
end
