# frozen_string_literal: true

require 'objspace'

RSpec.describe Legion::Extensions::Identity::Aws::Internal::Layers do
  aws = Legion::Extensions::Identity::Aws

  def of(options = {}, **others) = described_class.of(Legion::Extensions::Identity::Aws::Internal::Secret.new(options), **others)

  def legion_settings(value, loader: Object.new)
    stub_const('Legion::Settings', Module.new)
    Legion::Settings.define_singleton_method(:loader) { loader }
    Legion::Settings.define_singleton_method(:dig) { |*path| value if path == %i[identity aws] }
  end

  describe '.of' do
    it 'takes all of ENV, since a credential_process may need any of it, and no String of it' do
      with_env('PROGRAM' => 'canary') do
        environment = of[:environment]
        expect(ObjectSpace.reachable_objects_from(environment)).to eq([environment.class])
        expect(environment.inspect).not_to include('canary')
      end
    end

    it 'hands options and cap through, the options wrapped' do
      layers = of({ role_arn: false }, deadline_cap: 4.0)
      expect(layers).to include(deadline_cap: 4.0, settings: nil)
      expect([layers[:options].inspect, described_class.opened(layers)[:options]]).to eq(["#<#{aws::Internal::Secret}>", { role_arn: false }])
    end

    it 'reads identity.aws of LegionIO anew each time' do
      legion_settings({ 'region' => 'eu-west-1' })
      expect(of[:settings].value).to eq('region' => 'eu-west-1')
      legion_settings({ region: 'eu-west-2' })
      expect(of[:settings].value).to eq(region: 'eu-west-2')
    end

    it 'never makes LegionIO load its settings' do
      legion_settings({ region: 'x' }, loader: nil)
      allow(Legion::Settings).to receive(:dig).and_raise('dig would load them')
      expect(of[:settings]).to be_nil
    end

    it 'leaves it to the core to refuse something that is no Hash' do
      ['eu-west-1', ['x'], 3].each do |value|
        legion_settings(value)
        expect(of[:settings].value).to eq(value)
        expect(described_class.fingerprint(of)).to be_an(Integer)
        expect(described_class.own_setting(:roles).value).to be_nil
      end
    end
  end

  describe '.setting and .identity_aws' do
    it 'are nil where there is no LegionIO' do
      expect([described_class.setting(:a), described_class.identity_aws]).to eq([nil, nil])
    end

    it 'do not have LegionIO’s settings loaded' do
      legion_settings({ region: 'x' }, loader: nil)
      Legion::Settings.define_singleton_method(:dig) { |*| raise 'this would load them' }
      expect([described_class.setting(:a), described_class.identity_aws]).to eq([nil, nil])
    end
  end

  describe '.fingerprint' do
    def fingerprint(env = {}, options = {})
      with_env(env) { described_class.fingerprint(of(options)) }
    end

    it 'is the same for the same settings, an Integer that holds no secret' do
      expect(fingerprint('AWS_SECRET_ACCESS_KEY' => 'canary')).to be_an(Integer).and eq(fingerprint('AWS_SECRET_ACCESS_KEY' => 'canary'))
    end

    it 'changes with a secret, an option, a setting and the cap, and with nothing else in ENV' do
      base = fingerprint('AWS_SECRET_ACCESS_KEY' => 'canary')
      expect(fingerprint('AWS_SECRET_ACCESS_KEY' => 'canarz')).not_to eq(base)
      expect(fingerprint({ 'AWS_SECRET_ACCESS_KEY' => 'canary' }, { region: 'eu-west-1' })).not_to eq(base)
      expect(fingerprint('AWS_SECRET_ACCESS_KEY' => 'canary', 'OTHER' => 'x')).to eq(base)
      expect(described_class.fingerprint(of(deadline_cap: 4.0))).not_to eq(described_class.fingerprint(of))
      before = fingerprint
      legion_settings({ profile: 'prod' })
      expect(fingerprint).not_to eq(before)
    end

    it 'sees a change inside the same object' do
      legion_settings(settings = { tags: { team: 'a' } })
      before = fingerprint
      settings[:tags][:team] = 'b'
      expect(fingerprint).not_to eq(before)
    end

    it 'passes over what says nothing about the credentials of this session' do
      legion_settings({ profile: 'prod' })
      before = fingerprint
      legion_settings({ profile: 'prod', enabled: true, 'broker_bridge' => true, roles: { reader: 'arn' } })
      expect(fingerprint).to eq(before)
    end
  end

  describe '.deadline_cap' do
    it 'is 4 s where LegionIO races providers, else there is none' do
      expect(described_class.deadline_cap).to be_nil
      stub_const('Legion::Identity::Resolver', Module.new)
      expect(described_class.deadline_cap).to eq(4.0)
    end
  end

  it 'publishes the defaults of 0.1.0, and they are those in force' do
    with_env({}) do
      in_force = aws::Session.new.settings
      aws::SETTINGS_DEFAULTS.each { |name, value| expect(in_force.fetch(name)[:value]).to eq(value) }
    end
  end
end
