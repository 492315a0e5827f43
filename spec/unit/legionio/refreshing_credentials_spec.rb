# frozen_string_literal: true

require 'unit/support/scripted_native'

RSpec.describe Legion::Extensions::Identity::Aws::LivingCredentials do
  aws = Legion::Extensions::Identity::Aws

  subject(:living) { described_class.new(keeper) }

  let(:keeper) { aws::SessionKeeper.new }
  let(:natives) { [] }

  before do
    allow(aws::Native::Session).to receive(:new) do
      natives << ScriptedNative.new.hold(access_key_id: "ASIA#{natives.size}", expiration: 4_070_908_800)
      natives.last
    end
  end

  it 'reads like Aws::Credentials' do
    expect(living).to have_attributes(access_key_id: 'ASIA0', secret_access_key: 'canary-secret', session_token: 'canary-token', account_id: '123456789012',
                                      expiration: Time.utc(2099, 1, 1), expired?: false, set?: true, metrics: [])
  end

  it 'is a provider: credentials is one frozen set' do
    expect(living.credentials).to be_a(aws::Credentials).and be_frozen
    expect(living.credentials).to equal(living.credentials)
  end

  it 'follows a refresh' do
    living.credentials
    natives.last.hold(access_key_id: 'ASIANEXT')
    expect(living.access_key_id).to eq('ASIANEXT')
    expect(living.refresh!.access_key_id).to eq('ASIAREFRESHED')
  end

  it 'follows changed settings, within a second' do
    living.credentials
    now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    with_env('AWS_PROFILE' => 'other') do
      expect(living.access_key_id).to eq('ASIA0')
      allow(Process).to receive(:clock_gettime).and_return(now + 1.1)
      expect(living.access_key_id).to eq('ASIA1')
    end
  end

  it 'raises where no set can be had, and says false where none is configured' do
    living.credentials
    natives.last.trouble = aws::NotOnAwsError.new('none')
    expect { living.credentials }.to raise_error(aws::NotOnAwsError)
    expect(living).not_to be_set
  end

  it 'prints the key id that is held, without a look at anything' do
    expect(living.inspect).to end_with('LivingCredentials access_key_id=nil>')
    living.credentials
    expect([living.inspect, living.to_s]).to all(end_with('LivingCredentials access_key_id="ASIA0">'))
    expect { living.to_json }.to raise_error(TypeError)
  end
end
