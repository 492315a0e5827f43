# frozen_string_literal: true

require 'logger'
require 'stringio'
require 'unit/support/scripted_native'

RSpec.describe Legion::Extensions::Identity::Aws::Session do
  aws = Legion::Extensions::Identity::Aws

  subject(:session) { described_class.new(logger: Logger.new(log), region: 'eu-west-1') }

  let(:native) { ScriptedNative.new(warnings: ['identity.aws.regoin does not exist']) }
  let(:log) { StringIO.new }
  let(:layers) { [] }

  before do
    allow(aws::Internal::Native::Session).to receive(:new) do |given|
      layers << given
      native
    end
  end

  it 'hands its options down as they are, without the logger, beside ENV and settings' do
    session
    environment = a_kind_of(aws::Internal::Native::Environment)
    expect(layers).to contain_exactly(a_hash_including(options: { region: 'eu-west-1' }, settings: nil, environment: environment, deadline_cap: nil))
  end

  it 'logs what the core warns of, once' do
    session.credentials
    session.credentials
    expect(log.string.scan('regoin').size).to eq(1)
  end

  it 'refuses a logger that is none' do
    expect { described_class.new(logger: 'x') }.to raise_error(ArgumentError, /logger is of class String, which does not answer debug/)
  end

  describe '#credentials' do
    it 'builds credentials once and returns the same object while they are the newest' do
      first = session.credentials
      expect(first).to have_attributes(access_key_id: 'ASIAFIRST', secret_access_key: 'canary-secret')
      expect(session.credentials).to equal(first)
      expect(session.credentials).to equal(first)
      native.hold(access_key_id: 'ASIASECOND')
      expect(session.credentials.access_key_id).to eq('ASIASECOND')
    end

    it 'with fetch: false gives what is held or nil, and asks for nothing' do
      expect(session.credentials(fetch: false)).to be_nil
      held = native.hold && session.credentials(fetch: false)
      expect(held.access_key_id).to eq('ASIAFIRST')
      expect(session.credentials(fetch: false)).to equal(held)
      expect(native.calls).not_to include(:serial)
    end

    it 'raises what the core raises' do
      native.failure = aws::AccessDeniedError.new('no')
      expect { session.credentials }.to raise_error(aws::AccessDeniedError, 'no')
    end

    it 'says once that stale credentials are served, and once that they were renewed' do
      session.credentials
      2.times { native.hold(degraded: 'STS is down') && session.credentials }
      2.times { native.hold(access_key_id: 'ASIANEW') && session.credentials }
      expect(log.string.scan('STS is down').size).to eq(1)
      expect(log.string.scan('renewed again').size).to eq(1)
    end
  end

  describe '#identity' do
    it 'is built once and asked again when the core has a newer one' do
      first = session.identity
      expect(first).to be_a(aws::CallerIdentity)
      expect(session.identity).to equal(first)
      native.is(role: 'other')
      expect(session.identity.role).to eq('other')
    end
  end

  it 'begins a read again a bounded number of times where other threads take away what it fetched' do
    allow(native).to receive_messages(held: nil, known: nil, serial: 1, identity_serial: 1)
    expect { session.credentials }.to raise_error(aws::NoCredentialsError, /8 times .* invalidate/)
    expect { session.identity }.to raise_error(aws::NoCredentialsError, /8 times/)
    expect(native).to have_received(:serial).at_most(9).times
    expect(native).to have_received(:identity_serial).at_most(9).times
  end

  it 'is a provider for aws-sdk-ruby' do
    native.hold(expiration: 4_070_908_800)
    expect(session).to have_attributes(set?: true, expiration: Time.utc(2099, 1, 1), expired?: false, metrics: [])
    expect(session.refresh!.access_key_id).to eq('ASIAREFRESHED')
  end

  it 'is not set where nothing is configured, and raises where something is and fails' do
    native.failure = aws::NotOnAwsError.new('none')
    expect(session).not_to be_set
    native.failure = aws::TimeoutError.new('late')
    expect { session.set? }.to raise_error(aws::TimeoutError)
  end

  it 'passes the rest through' do
    expect(session).to have_attributes(needs_refresh?: true, prefetch: true, attempts: [], counters: { fetches: 0 }, settings: ScriptedNative::SETTINGS,
                                       forget_identity: nil)
    expect(session.invalidate('ASIAOTHER')).to be(false)
  end

  it 'prints the key id that is held, without asking for one, and refuses serialisers' do
    expect(session.inspect).to end_with('Session access_key_id=nil>')
    session.credentials
    expect(session.inspect).to end_with('Session access_key_id="ASIAFIRST">')
    expect { Marshal.dump(session) }.to raise_error(TypeError, /Session holds a secret/)
  end
end
