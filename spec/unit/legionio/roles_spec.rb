# frozen_string_literal: true

require 'unit/support/scripted_native'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::Roles do
  aws = Legion::Extensions::Identity::Aws

  subject(:roles) { described_class.new { @seen = true } }

  let(:arn) { 'arn:aws:iam::123456789012:role/reader' }

  def settings(given) = allow(Legion::Extensions::Identity::Aws::Internal::Layers).to receive(:identity_aws).and_return(given)

  def asked_for(name)
    layers = nil
    allow(Legion::Extensions::Identity::Aws::Internal::Native::Session).to receive(:new) { |given| (layers = given) && ScriptedNative.new }
    roles.providers.fetch(name).provide_token
    layers[:options]
  end

  it 'has none where there are no settings' do
    [nil, {}, { roles: nil }, { roles: {} }].each do |given|
      settings(given)
      expect([roles.providers, roles.problem, roles.qualifier(:reader)]).to eq([{}, nil, nil])
    end
  end

  it 'has a provider for each name, always the same one' do
    settings('roles' => { 'reader' => arn, writer: { role_arn: arn } })
    first = roles.providers
    expect(first.keys).to eq(%i[reader writer])
    expect(roles.providers.values.zip(first.values)).to all(satisfy { |now, before| now.equal?(before) })
    settings(roles: { reader: { role_arn: arn, external_id: 'x' } })
    expect(roles.providers).to eq(reader: first[:reader])
  end

  it 'gives each what its settings say, as options' do
    settings(roles: { reader: arn, writer: { 'role_arn' => arn, 'session_duration' => 900 } })
    expect(asked_for(:reader)).to eq(role_arn: arn)
    expect(asked_for(:writer)).to eq(role_arn: arn, session_duration: 900)
    settings(roles: { reader: { profile: 'prod' } })
    expect(asked_for(:reader)).to eq(profile: 'prod')
    expect(@seen).to be(true)
  end

  it 'refuses what would be the process’s own identity under another name' do
    { [arn] => 'is a Array', nil => 'is a NilClass', {} => 'names no role', { role_arn: [arn] } => 'names no role' }.each do |given, words|
      settings(roles: { reader: given })
      expect { roles.providers[:reader].provide_token }.to raise_error(aws::ConfigurationError, /identity\.aws\.roles\.reader .*#{words}|#{words}/)
    end
  end

  it 'refuses one that was taken out of the settings' do
    settings(roles: { reader: arn })
    reader = roles.providers[:reader]
    settings(roles: {})
    expect { reader.current_credentials.access_key_id }.to raise_error(aws::ConfigurationError, /roles\.reader is no longer in the settings/)
  end

  it 'passes over what it cannot use, and says so' do
    settings(roles: 'reader')
    expect([roles.providers, roles.problem]).to match([{}, /is a String and is ignored/])
    settings(roles: { default: arn, reader: arn })
    expect([roles.providers.keys, roles.problem]).to match([[:reader], /default is ignored/])
    settings(roles: { 1 => arn })
    expect([roles.providers.keys, roles.qualifier('1')]).to eq([[:'1'], :'1'])
  end

  it 'finds the one a context names, and never raises' do
    settings(roles: { reader: arn })
    expect(%w[reader].push(:reader, { role: 'reader' }, { 'qualifier' => :reader }).map { |context| roles.qualifier(context) }).to all(eq(:reader))
    unable = Class.new { def to_s = raise(NotImplementedError) }.new
    broken = ['broken', NotImplementedError, SystemStackError].map { |raised| Class.new(Hash) { define_method(:[]) { |*| raise raised } }.new }
    [nil, 1, 'other', {}, { role: 1 }, { role: [] }, Object.new, BasicObject.new, { role: BasicObject.new }, unable, *broken].each do |context|
      expect(roles.qualifier(context)).to be_nil
    end
  end
end
