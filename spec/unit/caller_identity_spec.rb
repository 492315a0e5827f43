# frozen_string_literal: true

require 'unit/support/scripted_native'

RSpec.describe Legion::Extensions::Identity::Aws::CallerIdentity do
  subject(:identity) { described_class.new(**ScriptedNative::IDENTITY, serial: 1) }

  it 'says who AWS says we are' do
    expect(identity).to have_attributes(
      account: '123456789012', arn: 'arn:aws:sts::123456789012:assumed-role/Legion.Worker/i-0abc', user_id: 'AROAEXAMPLE:i-0abc', partition: 'aws',
      kind: :role, role: 'Legion.Worker', session_name: 'i-0abc', canonical_name: 'legion_worker',
      provider_arn: 'arn:aws:iam::123456789012:role/Legion.Worker', region: 'eu-west-1', source: 'environment', milliseconds: 12
    )
  end

  it 'is a frozen value, equal by content whenever it was asked' do
    later = described_class.new(**ScriptedNative::IDENTITY, serial: 2, milliseconds: 9)
    expect(identity).to be_frozen
    expect(identity).to eq(later)
    expect([identity, later].uniq.size).to eq(1)
    expect(identity).not_to eq(described_class.new(**ScriptedNative::IDENTITY, serial: 1, account: '210987654321'))
  end

  it 'is compared as a Struct is: with its own kind, by its members' do
    expect(identity.members).to eq(%i[account arn user_id partition kind role session_name canonical_name provider_arn region source])
    expect(identity).not_to eq(identity.to_h)
    expect { identity.account = '210987654321' }.to raise_error(FrozenError)
  end

  it 'is its fields in JSON, alone and in a structure' do
    require 'json'
    expect(JSON.parse(identity.to_json)).to include('arn' => identity.arn, 'kind' => 'role', 'region' => 'eu-west-1').and(have_attributes(size: 11))
    expect(JSON.parse(JSON.generate(me: [identity]))).to include('me' => [a_hash_including('account' => '123456789012')])
    expect(JSON.pretty_generate(identity)).to include(%(  "account": "123456789012"))
  end

  it 'can be matched, printed and turned into a Hash' do
    identity => { kind: :role, account: }
    expect(account).to eq('123456789012')
    expect(identity.to_h).to include(canonical_name: 'legion_worker', kind: :role)
    expect("#{identity}").to eq(identity.arn) # rubocop:disable Style/RedundantInterpolation
    expect(identity.inspect).to include(identity.arn, 'legion_worker')
  end
end
