# frozen_string_literal: true

require 'json'
require 'pp'
require 'yaml'

RSpec.describe Legion::Extensions::Identity::Aws::Lease do
  aws = Legion::Extensions::Identity::Aws

  let(:expiration) { Time.utc(2099, 1, 1) }
  let(:credentials) do
    aws::Credentials.new('ASIAEXAMPLE', 'canary-secret', 'canary-token', expiration: expiration, region: 'eu-west-1')
  end

  # LegionIO's own, as its brokers and renewers read it.
  def legion_lease
    Class.new do
      attr_reader :provider, :credential, :lease_id, :expires_at, :renewable, :issued_at, :metadata

      def initialize(provider:, credential:, lease_id: nil, expires_at: nil, renewable: false, issued_at: nil, metadata: {})
        @provider, @credential, @lease_id, @expires_at = provider, credential, lease_id, expires_at # rubocop:disable Style/ParallelAssignment
        @renewable, @issued_at, @metadata = renewable, issued_at, metadata.freeze # rubocop:disable Style/ParallelAssignment
      end
    end
  end

  shared_examples 'a lease' do
    subject(:lease) { described_class.of(credentials) }

    it 'has the key id as credential and the expiry of AWS, and is always renewable' do
      expect(lease).to be_a(described_class).and be_frozen
      expect(lease).to have_attributes(provider: :aws, credential: 'ASIAEXAMPLE', expires_at: expiration, renewable: true, lease_id: nil,
                                       issued_at: be_within(5).of(Time.now))
      expect(described_class.of(aws::Credentials.new('AKIA', 's'))).to have_attributes(expires_at: nil, renewable: true)
    end

    it 'has key id, region and expiry in its frozen metadata, and no secrets' do
      expect(lease.metadata).to eq(access_key_id: 'ASIAEXAMPLE', region: 'eu-west-1', expiration: '2099-01-01T00:00:00Z').and be_frozen
    end

    it 'says why it is degraded' do
      expect(described_class.of(aws::Credentials.new('A', 'b', degraded: 'STS is down')).metadata).to include(degraded: 'STS is down')
    end

    it 'gives the full credentials on request, and prints and serialises none of it' do
      expect(lease.credentials).to equal(credentials)
      printed = [lease.inspect, lease.to_s, PP.pp(lease, +''), JSON.generate(lease)]
      expect(printed).to all(include('ASIAEXAMPLE'))
      expect(printed.join).not_to include('canary')
      expect { Marshal.dump(lease) }.to raise_error(TypeError)
      expect { YAML.dump(lease) }.to raise_error(TypeError)
    end
  end

  context 'without LegionIO' do
    it_behaves_like 'a lease'

    it 'answers what a lease of LegionIO answers' do
      lease = described_class.of(credentials)
      expect(lease).to have_attributes(token: 'ASIAEXAMPLE', valid?: true, expired?: false, stale?: false, ttl_seconds: be > 0)
      expect(lease.to_h).to include(provider: :aws, expires_at: '2099-01-01T00:00:00Z', valid: true, metadata: lease.metadata)
      expect(lease.to_h.to_s).not_to include('canary')
    end

    it 'is not valid once it expired, and never expires without an expiry' do
      expired = described_class.of(aws::Credentials.new('A', 'b', expiration: Time.now - 10))
      expect(expired).to have_attributes(valid?: false, expired?: true, ttl_seconds: 0)
      static = described_class.of(aws::Credentials.new('A', 'b'))
      expect(static).to have_attributes(valid?: true, expired?: false, stale?: false, ttl_seconds: nil)
      expect(static.to_h).to include(expires_at: nil, ttl: nil)
    end

    it 'is stale after half of its life' do
      lease = described_class.of(aws::Credentials.new('A', 'b', expiration: Time.now + 100))
      { 40 => false, 60 => true, 120 => true }.each do |age, stale|
        allow(Time).to receive(:now).and_return(lease.issued_at + age)
        expect(lease.stale?).to be(stale)
      end
    end

    it 'is equal by content' do
      allow(Time).to receive(:now).and_return(Time.at(1_900_000_000))
      expect(described_class.of(credentials)).to eq(described_class.of(credentials))
      expect(described_class.of(credentials)).not_to eq(described_class.of(aws::Credentials.new('AKIA', 's')))
    end
  end

  context 'with LegionIO' do
    before do
      stub_const('Legion::Identity::Lease', legion_lease)
      described_class.send(:remove_const, :InLegion) if described_class.const_defined?(:InLegion, false)
    end

    after { described_class.send(:remove_const, :InLegion) if described_class.const_defined?(:InLegion, false) }

    it_behaves_like 'a lease'

    it "is a subclass of LegionIO's, one for all" do
      leases = Array.new(2) { described_class.of(credentials) }
      expect(leases).to all(be_a(Legion::Identity::Lease))
      expect(leases.map(&:class).uniq.size).to eq(1)
    end
  end
end
