# frozen_string_literal: true

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::Roles do
  aws = Legion::Extensions::Identity::Aws

  let(:arn) { 'arn:aws:iam::123456789012:role/reader' }

  def settings(given)
    internal = Legion::Extensions::Identity::Aws::Internal
    allow(internal::Layers).to receive(:identity_aws).and_return(given && internal::Secret.new(given))
  end

  it 'has none where there are no settings' do
    [nil, {}, { roles: nil }, { roles: {} }].each do |given|
      settings(given)
      expect([described_class.names, described_class.problem, described_class.qualifier(:reader)]).to eq([[], nil, :reader])
    end
  end

  it 'gives each what its settings say, as options' do
    settings('roles' => { 'reader' => arn, writer: { 'role_arn' => arn, 'session_duration' => 900 } })
    expect(described_class.names).to eq(%i[reader writer])
    expect(described_class.options(:reader).value).to eq(role_arn: arn)
    expect(described_class.options(:writer).value).to eq(role_arn: arn, session_duration: 900)
    settings(roles: { reader: { profile: 'prod' } })
    expect(described_class.options(:reader).value).to eq(profile: 'prod')
  end

  it 'refuses what would be the process’s own identity under another name' do
    { [arn] => 'is of class Array', nil => 'is of class NilClass', {} => 'names no role', { role_arn: [arn] } => 'names no role' }.each do |given, words|
      settings(roles: { reader: given })
      expect { described_class.options(:reader) }.to raise_error(aws::ConfigurationError, /identity\.aws\.roles\.reader .*#{words}|#{words}/)
    end
  end

  it 'limits the process’s own session by a scope_policy' do
    settings('roles' => { 'reader' => { 'scope_policy' => '{}', 'scope_duration' => 900 }, writer: { scope_polcy: '{}' } })
    expect(described_class.options(:reader) { :own }.value).to eq(scope_policy: '{}', scope_duration: 900, source: :own)
    misspelt = described_class.options(:writer) { aws::Session.new }
    expect { aws::Session.new(**misspelt.value) }.to raise_error(ArgumentError, /unknown option "scope_polcy"\. Did you mean scope_policy\?/)
  end

  it 'refuses a scope beside a role or a profile, and names it to who writes a policy without a role' do
    { role_arn: arn, profile: 'prod', 'role_arn' => [arn] }.each do |name, value|
      settings(roles: { reader: { name => value, scope_policy: '{}' } })
      expect { described_class.options(:reader) { :own } }.to raise_error(aws::ConfigurationError, /roles\.reader has #{name} beside a scope/)
    end
    settings(roles: { reader: { policy: '{}' } })
    expect { described_class.options(:reader) { :own } }.to raise_error(aws::ConfigurationError, /or a scope_policy in place of policy/)
    settings(roles: { reader: {} })
    expect { described_class.options(:reader) { :own } }.to raise_error(aws::ConfigurationError, /or a scope_policy, which limits/)
  end

  it 'refuses one that was taken out of the settings' do
    settings(roles: {})
    expect { described_class.options(:reader) }.to raise_error(aws::ConfigurationError, /roles\.reader is no longer in the settings/)
  end

  it 'skips roles it cannot use, and reports them' do
    settings(roles: 'reader')
    expect([described_class.names, described_class.problem]).to match([[], /is of class String and is ignored/])
    settings(roles: { default: arn, reader: arn })
    expect([described_class.names, described_class.problem]).to match([[:reader], /default is ignored/])
    settings(roles: { 1 => arn })
    expect([described_class.names, described_class.qualifier('1')]).to eq([[:'1'], :'1'])
  end

  it 'finds the one a context names, and never raises' do
    settings(roles: { reader: arn })
    expect(%w[reader].push(:reader, { role: 'reader' }, { 'qualifier' => :reader }).map { |context| described_class.qualifier(context) }).to all(eq(:reader))
    [nil, 1, '', ' ', :default, 'default', {}, { role: nil }, { service: 'x' }, Object.new, BasicObject.new].each do |context|
      expect(described_class.qualifier(context)).to be_nil
    end
  end

  it 'gives back a name that is no role, so that Broker finds nothing under it' do
    settings(roles: { reader: arn })
    [['raeder', :raeder], %i[other other], [{ role: 'x' }, :x], [{ 'qualifier' => :y }, :y]].each do |context, name|
      expect(described_class.qualifier(context)).to eq(name)
    end
    unable = Class.new { def to_s = raise(NotImplementedError) }.new
    broken = ['broken', NotImplementedError, SystemStackError].map { |raised| Class.new(Hash) { define_method(:[]) { |*| raise raised } }.new }
    [{ role: 1 }, { role: [] }, { qualifier: unable }, { role: Object.new }, *broken].each do |context|
      expect(described_class.qualifier(context)).to eq(:'no role')
    end
  end
end
