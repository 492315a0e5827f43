# frozen_string_literal: true

require 'unit/support/scripted_native'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::RefreshingCredentials do
  aws = Legion::Extensions::Identity::Aws

  subject(:refreshing) { described_class.new(current_session) }

  let(:current_session) { aws::LegionIO::CurrentSession.new }
  let(:natives) { [] }

  before do
    allow(aws::Internal::Native::Session).to receive(:new) do
      natives << ScriptedNative.new.hold(access_key_id: "ASIA#{natives.size}", expiration: 4_070_908_800)
      natives.last
    end
  end

  it 'reads like Aws::Credentials' do
    expect(refreshing).to have_attributes(access_key_id: 'ASIA0', secret_access_key: 'canary-secret', session_token: 'canary-token', account_id: '123456789012',
                                          expiration: Time.utc(2099, 1, 1), expired?: false, set?: true, metrics: [])
  end

  it 'is a provider: credentials is a frozen Credentials' do
    expect(refreshing.credentials).to be_a(aws::Credentials).and be_frozen
    expect(refreshing.credentials).to equal(refreshing.credentials)
  end

  it 'follows a refresh' do
    refreshing.credentials
    natives.last.hold(access_key_id: 'ASIANEXT')
    expect(refreshing.access_key_id).to eq('ASIANEXT')
    expect(refreshing.refresh!.access_key_id).to eq('ASIAREFRESHED')
  end

  it 'follows changed settings, within a second' do
    now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    allow(Process).to receive(:clock_gettime).and_return(now)
    refreshing.credentials
    with_env('AWS_PROFILE' => 'other') do
      expect(refreshing.access_key_id).to eq('ASIA0')
      allow(Process).to receive(:clock_gettime).and_return(now + 1.1)
      expect(refreshing.access_key_id).to eq('ASIA1')
    end
  end

  it 'raises where no credentials can be had, and says false where none is configured' do
    refreshing.credentials
    natives.last.failure = aws::NotOnAwsError.new('none')
    expect { refreshing.credentials }.to raise_error(aws::NotOnAwsError)
    expect(refreshing).not_to be_set
  end

  it 'prints the key id that is held, without a look at anything' do
    expect(refreshing.inspect).to end_with('RefreshingCredentials access_key_id=nil>')
    refreshing.credentials
    expect([refreshing.inspect, refreshing.to_s]).to all(end_with('RefreshingCredentials access_key_id="ASIA0">'))
    expect(JSON.parse({ extra: [refreshing] }.to_json)).to eq('extra' => [refreshing.inspect])
  end
end
