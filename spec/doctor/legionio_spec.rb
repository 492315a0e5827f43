# frozen_string_literal: true

require 'doctor/support/broken_world'
require 'legion/extensions/identity/aws/doctor'

RSpec.describe 'The doctor, looking for LegionIO,' do
  include BrokenWorld

  let(:category) { { type: 'prefix', tier: 0, phase: 0 } }

  def settings(text, name: 'a.json') = file(".legionio/settings/#{name}", text.is_a?(String) ? text : JSON.generate(text))

  def legionio(report = examine) = report.findings.select { |found| found.check == 'legionio' }.to_h { |found| [found.name, found] }

  it 'says that it is not there' do
    expect(legionio.values).to match([have_attributes(status: :skipped, what: 'LegionIO is not installed here')])
  end

  it 'names the files it read, and the entry for phase 0 that is in none of them' do
    path = settings({ identity: { aws: { region: 'eu-west-1' } } })
    expect(legionio.fetch('phase')).to have_attributes(
      status: :warn, what: a_string_including("read #{path}", 'the entry for phase 0 is not there', 'in phase 1 unless told otherwise'),
      remedy: a_string_including('lex-identity-aws legionio --write', '{"extensions":{"categories":{"identity":{"type":"prefix","tier":0,"phase":0}}}}'),
      details: include(files: path)
    )
  end

  it 'names a switch that is neither true nor false' do
    aws = Legion::Extensions::Identity::Aws
    odd = lambda do |value|
      settings({ identity: { aws: { sdk_default: value } } })
      report = with_env(keys) { aws::Doctor.examine(aws::Internal::Secret.new({}), settings_files: aws::LegionIO::SettingsFiles.new) }
      report.findings.select { |found| found.what.include?('neither true nor') }
    end
    expect(odd['yes']).to match([have_attributes(check: 'settings', status: :warn, what: a_string_starting_with('identity.aws.sdk_default is'))])
    expect(odd['True']).to eq([])
  end

  it 'sees whether the entry is there as it is written, and judges nothing else' do
    {
      { categories: { identity: category } }                                => :ok,
      { categories: { identity: category.merge(tier: 3) } }                 => :ok,
      { categories: { identity: category }, blocked: %w[lex-identity-aws] } => :ok,
      { categories: { identity: category.except(:phase) } }                 => :warn,
      { categories: { identity: category.merge(phase: 1) } }                => :warn,
      { categories: { identity: category.merge(type: 'list') } }            => :warn,
      { categories: { identity: ['phase', 0] } }                            => :warn,
      { categories: 'none' }                                                => :warn,
      { identity: ['lex-identity-aws'] }                                    => :warn
    }.each do |extensions, status|
      settings({ extensions: extensions })
      found = legionio.fetch('phase')
      expect(found.status).to be(status), "#{extensions}: #{found.what}"
    end
  end

  it 'merges the files as LegionIO does, and names those it leaves out' do
    settings({ extensions: { categories: { identity: { type: 'prefix', tier: 0 } } } })
    settings({ extensions: { categories: { identity: { phase: 0 } } } }, name: 'deeper/b.json')
    settings('{"secret": "canary-of-the-doctor", ', name: 'c.json')
    report = examine(secrets: ['canary-of-the-doctor'])
    expect(legionio(report).fetch('phase').status).to be(:ok)
    expect(legionio(report).fetch('settings file')).to have_attributes(status: :warn, what: a_string_including('c.json is left out: it is no JSON'))
  end

  it 'looks where LEGION_SETTINGS_DIRS says' do
    path = file('elsewhere/a.json', JSON.generate(extensions: { categories: { identity: category } }))
    with_env('LEGION_SETTINGS_DIRS' => File.dirname(path)) do
      found = Legion::Extensions::Identity::Aws::Doctor::LegionIO.new.findings
      expect(found.last).to have_attributes(name: 'phase', status: :ok, details: include(files: path))
    end
  end

  describe 'inside of it' do
    identity = Legion::Extensions::Identity::Aws::Identity

    before do
      stub_const('Legion::VERSION', '1.9.52')
      stub_const('Legion::Identity::Resolver', double(providers: [identity], composite: { providers: { aws: { status: :resolved } } }, register: nil))
      settings = double(loader: true)
      allow(settings).to receive(:dig) { |*keys| given[keys] }
      stub_const('Legion::Settings', settings)
      without_partial_double_verification { allow(Legion::Extensions).to receive(:find_extensions) { extensions } }
    end

    let(:given) { {} }
    let(:extensions) { [{ gem_name: 'lex-other', category: :default }, { gem_name: 'lex-identity-aws', category: :identity }] }

    def broker(**answers)
      lease = double(valid?: answers.fetch(:valid, true), expires_at: Time.at(1_800_000_000))
      renewer = answers.fetch(:renewer) { double(alive?: true) }
      stub_const('Legion::Identity::Broker', double(lease_for: lease, renewer_for: renewer, credentials_available: answers.fetch(:qualifiers, [:default])))
    end

    it 'finds all in order' do
      broker
      expect(legionio.transform_values(&:status))
        .to eq('version' => :ok, 'phase' => :ok, 'registration' => :ok, 'lease default' => :ok, 'renewer default' => :ok)
      expect(legionio.fetch('version').what).to eq('1.9.52, this process')
      expect(legionio.fetch('registration').what).to include('its last answer: resolved')
    end

    it "has the phase from LegionIO's own list of extensions" do
      broker
      expect(legionio.fetch('phase')).to have_attributes(status: :ok, what: 'LegionIO loads this gem in phase 0', details: { phase: 0 })
      extensions.last[:category] = :default
      expect(legionio.fetch('phase')).to have_attributes(status: :warn, what: a_string_including('phase 1'), remedy: a_string_including('"phase":0'),
                                                         details: { phase: 1 })
    end

    it 'says that LegionIO does not use this gem, and why' do
      broker
      extensions.pop
      expect(legionio.fetch('phase')).to have_attributes(status: :warn, what: a_string_including('does not list this gem'),
                                                         remedy: a_string_including('extensions.blocked', 'role.profile'))
      given[%i[identity aws]] = { enabled: 'false' }
      expect(legionio.fetch('phase')).to have_attributes(status: :warn, what: a_string_including('does not use this gem', 'enabled: false'))
    end

    it 'finds a provider that is missing, or is not ours' do
      broker
      stub_const('Legion::Identity::Resolver', double(providers: [], composite: nil, register: nil))
      expect(legionio.fetch('registration')).to have_attributes(status: :warn, remedy: a_string_including('autobuild'))
      stub_const('Legion::Identity::Resolver', double(providers: [double(provider_name: :aws)], composite: nil, register: nil))
      expect(legionio.fetch('registration')).to have_attributes(status: :warn, what: a_string_including("not this gem's"))
    end

    it 'finds a lease that is no longer valid, and a renewer that has stopped' do
      broker(valid: false, renewer: double(alive?: false))
      expect(legionio.fetch('lease default')).to have_attributes(status: :warn, what: a_string_including('no longer valid'))
      expect(legionio.fetch('renewer default')).to have_attributes(status: :warn, remedy: a_string_including('Restart LegionIO'))
    end

    it 'looks at the roles of the settings too' do
      broker(qualifiers: %i[default deployer])
      expect(legionio.keys).to include('lease deployer', 'renewer deployer')
    end

    it 'is not stopped by a LegionIO it does not know' do
      stub_const('Legion::Identity::Broker', Object.new)
      stub_const('Legion::Identity::Resolver', Object.new)
      without_partial_double_verification { allow(Legion::Extensions).to receive(:find_extensions).and_raise(NoMethodError) }
      expect(legionio.values_at('phase', 'registration', 'Broker')).to all(have_attributes(status: :warn, what: a_string_including('cannot be asked')))
    end
  end
end
