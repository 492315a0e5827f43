# frozen_string_literal: true

require 'unit/support/scripted_native'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::RoleProvider do
  aws = Legion::Extensions::Identity::Aws

  subject(:reader) { described_class.new(:reader, sync, own) }

  let(:sync) { double(wake: nil) }
  let(:own) { instance_double(aws::LegionIO::Provider) }
  let(:arn) { 'arn:aws:iam::123456789012:role/reader' }

  def settings(given)
    internal = Legion::Extensions::Identity::Aws::Internal
    allow(internal::Layers).to receive(:identity_aws).and_return(given && internal::Secret.new(given))
  end

  before do
    allow(aws::Internal::Native::Session).to receive(:new) { |layers| (@options = layers[:options]) && ScriptedNative.new }
    settings(roles: { reader: arn })
  end

  it 'leases what its settings say, and wakes the sync' do
    expect(reader.provide_token).to be_a(aws::Lease)
    expect(@options).to eq(role_arn: arn)
    settings(roles: { reader: { role_arn: arn, external_id: 'x' } })
    reader.provide_token
    expect(@options).to eq(role_arn: arn, external_id: 'x')
    expect(sync).to have_received(:wake).twice
  end

  it 'limits the process’s own session in force where its settings have a scope' do
    sessions = [Object.new, Object.new]
    allow(own).to receive(:current) { sessions.first }
    settings(roles: { reader: { scope_policy: '{}', scope_duration: 900 } })
    allow(aws::Internal::Layers).to receive(:callbacks_out_of) { |layers| [nil, layers] }
    reader.provide_token
    expect(@options).to eq(scope_policy: '{}', scope_duration: 900, source: sessions.first)
    sessions.shift
    reader.provide_token
    expect(@options).to include(source: sessions.first)
  end

  it 'has one object of credentials, which wakes the sync when the settings were compared, and not at each read' do
    expect(reader.current_credentials).to equal(reader.current_credentials)
    3.times { expect(reader.current_credentials.access_key_id).to eq('ASIAFIRST') }
    expect(sync).to have_received(:wake).once
  end

  it 'refuses once its role is taken out of the settings, and wakes the sync' do
    settings(roles: {})
    expect { reader.provide_token }.to raise_error(aws::ConfigurationError, /roles\.reader is no longer in the settings/)
    expect { reader.current_credentials.access_key_id }.to raise_error(aws::ConfigurationError, /roles\.reader is no longer in the settings/)
    expect(sync).to have_received(:wake).twice
  end
end
