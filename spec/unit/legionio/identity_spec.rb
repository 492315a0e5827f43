# frozen_string_literal: true

RSpec.describe Legion::Extensions::Identity::Aws::Identity do
  aws = Legion::Extensions::Identity::Aws

  it 'has the values of the contract' do
    expect(described_class).to have_attributes(provider_name: :aws, provider_type: :auth, facing: :machine, priority: 90, trust_weight: 100,
                                               trust_level: :verified, capabilities: %i[authenticate credentials])
  end

  it 'answers every caller of LegionIO the way it is called' do
    expect(described_class.method(:resolve).parameters).to eq([%i[key canonical_name]])
    %i[provide_token refresh current_credentials].each { |name| expect(described_class.method(name).arity).to eq(0) }
  end

  it 'is nil off AWS, whatever name it is given' do
    with_env({}) do
      expect(described_class.resolve).to be_nil
      expect(described_class.resolve(canonical_name: 'x')).to be_nil
    end
  end

  it 'normalizes as 0.1.0 did, and never to an illegal name' do
    expect(%w[Legion.Worker role/x a+b=c,d@e].map { |name| described_class.normalize(name) }).to eq(%w[legion_worker role_x a_b_c_d_e])
    expect(described_class.normalize(:Worker)).to eq('worker')
    expect(described_class.normalize('-_worker')).to eq('worker')
    expect(described_class.normalize('…')).to be_nil
  end

  it 'has one object of current credentials for the life of the process' do
    expect(described_class.current_credentials).to equal(described_class.current_credentials)
    with_env('AWS_ACCESS_KEY_ID' => 'AKIAONE', 'AWS_SECRET_ACCESS_KEY' => 's') { described_class.refresh }
    expect(described_class.current_credentials).to be_a(aws::LegionIO::RefreshingCredentials)
  end
end
