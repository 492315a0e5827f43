# frozen_string_literal: true

require 'session/support/mfa_users'

RSpec.describe 'A session in an outage of STS', :mfa_users do
  # Two requests of one fetch: without a limit each would go on for the whole of resolve_timeout.
  around { |example| with_env(local_aws.env_with_keys.merge('AWS_MAX_ATTEMPTS' => '2')) { example.run } }

  let(:log) { StringIO.new }

  def session(**options) = MfaUsers::Aws::Session.new(role_arn: MfaUsers::WORKER, resolve_timeout: 0.5, logger: Logger.new(log), **options)

  def warnings = log.string.lines.grep(/WARN/)

  # Reads without a pause until the given time; returns what was read, how often, and the longest time a read took.
  def read(session, till)
    seen = []
    longest = 0.0
    count = 0
    while Time.now < till
      held, seconds = took { session.credentials }
      count += 1
      seen << held unless held.equal?(seen.last)
      longest = [longest, seconds].max
      sleep 0.001
    end
    [seen, count, longest]
  end

  it 'serves the held credentials until and after they expire, warns once, and recovers within a back-off' do
    lifetime(6)
    shared = session
    first = shared.credentials
    expiration = first.expiration
    before = asked_of_sts.size
    reads = 0
    outage do
      seen, reads, longest = read(shared, expiration + 3)
      expect(seen).to all(have_attributes(access_key_id: first.access_key_id, expiration: expiration))
      expect(seen.last).to have_attributes(degraded: /ServiceUnavailable/, expired?: true)
      expect(warnings.size).to eq(1)
      expect(longest).to be < 2.5 # five times resolve_timeout
    end
    # The advisory window begins after 3 s and a back-off is 1 to 2 s: in 6 s three to seven fetches of one or two attempts.
    expect(asked_of_sts.size - before).to be_between(3, 2 * 7)
    recovered, seconds = took { eventually { !shared.credentials.expired? } }
    expect(recovered).to be_nil
    expect(seconds).to be < 5 # a back-off of at most 2 s
    expect(shared.credentials).to have_attributes(degraded: nil)
    expect(warnings.size).to eq(1)
    expect(log.string).to include('renewed again')
    expect(shared.counters).to include(failures: be_between(3, 7), back_offs: be_between(3, 7), fetches: be >= 4)
    expect(shared.counters[:cached]).to be >= reads - shared.counters[:fetches]
  end

  it 'warns once for all threads, and once more at the next outage' do
    lifetime(3)
    shared = session
    shared.credentials
    outage do
      sleep 2
      eventually { shared.credentials.degraded }
      Array.new(16) { thread { 20.times { shared.credentials && sleep(0.02) } } }.each(&:join)
    end
    eventually { !shared.credentials.expired? && shared.credentials.degraded.nil? }
    expect(warnings.size).to eq(1)
    outage do
      sleep 2
      eventually { shared.credentials.degraded }
      20.times { shared.credentials && sleep(0.02) }
    end
    expect(warnings.size).to eq(2)
  end

  it 'raises at each read while no credentials are held, and holds the first it gets' do
    shared = session
    outage { 2.times { expect { shared.credentials }.to raise_error(MfaUsers::Aws::ServiceError, &:outage?) } }
    expect(shared.credentials).to be_set
    expect(warnings).to be_empty
  end

  it 'gives an expired lease that is not valid, with the reason it is degraded' do
    provider = MfaUsers::Aws::LegionIO::Provider.new(role_arn: MfaUsers::WORKER)
    lifetime(2)
    first = provider.provide_token
    outage do
      sleep 2.1
      expect(provider.provide_token).to have_attributes(valid?: false, expires_at: first.expires_at, metadata: include(degraded: /ServiceUnavailable/))
    end
  end

  it 'follows its windows while the clocks of AWS and this machine differ' do
    [-200, 200].each do |skew|
      local_aws.reset
      local_aws.rule(service: :sts, skew_seconds: skew)
      shared = session(session_duration: 900)
      held = shared.credentials
      20.times { expect(shared.credentials).to equal(held) }
      expect(shared.needs_refresh?).to be(false)
      expect(asked_of_sts('AssumeRole').size).to eq(1)
      expect(held.expiration).to be_within(5).of(Time.now + 900 + skew)
    end
  end

  it 'refreshes at once when the clock jumps to the expiration' do
    shared = session(session_duration: 900, resolve_timeout: 4) # time for the second attempt, with the clock of STS
    held = shared.credentials
    local_aws.rule(service: :sts, skew_seconds: 1000)
    begin
      shared.identity # STS says what time it is
    rescue MfaUsers::Aws::Error => e
      expect(e.code).to eq('ExpiredToken')
    end
    expect(shared.credentials).not_to eq(held)
    expect(asked_of_sts('AssumeRole').map { |request| request[:status] }).to end_with(200)
  end
end
