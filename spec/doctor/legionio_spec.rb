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

  it 'names the setting that makes it phase 0' do
    settings({})
    expect(legionio.fetch('phase')).to have_attributes(
      status: :warn, what: a_string_including('phase 1', 'says nothing of identity'),
      remedy: a_string_including('lex-identity-aws legionio --write', '{"extensions":{"categories":{"identity":{"type":"prefix","tier":0,"phase":0}}}}')
    )
  end

  it 'knows the ways there are to load it, and not to' do
    {
      { categories: { identity: category } }                                        => 0,
      { categories: { identity: category.except(:phase) } }                         => 1,
      { categories: { identity: category.merge(type: 'list') } }                    => 1,
      { identity: ['lex-identity-aws'] }                                            => 0,
      { identity: ['lex-identity-system'] }                                         => 1,
      { identity: ['lex-identity-aws'], categories: { identity: {} } }              => 1,
      { categories: { identity: category }, blocked: %w[lex-identity-aws] }         => nil,
      { categories: { identity: category }, identity: { aws: { enabled: false } } } => nil
    }.each do |extensions, phase|
      settings({ extensions: extensions })
      found = legionio.fetch('phase')
      expect(found.details.fetch(:phase)).to be(phase), "#{extensions}: #{found.what}"
      expect(found.status).to be(phase&.zero? ? :ok : :warn)
    end
    settings({ identity: { aws: { enabled: 'false' } }, extensions: { categories: { identity: category } } })
    expect(legionio.fetch('phase').what).to include('does not use this gem: identity.aws.enabled is false')
    settings({ role: { profile: 'service' }, extensions: { categories: { identity: category } } })
    expect(legionio.fetch('phase').what).to include('does not use this gem: role.profile is service')
  end

  it 'merges the files as LegionIO does, and names those it leaves out' do
    settings({ extensions: { categories: { identity: { type: 'prefix', tier: 0 } } } })
    settings({ extensions: { categories: { identity: { phase: 0 } } } }, name: 'deeper/b.json')
    settings('{"secret": "canary-of-the-doctor", ', name: 'c.json')
    report = examine(secrets: ['canary-of-the-doctor'])
    expect(legionio(report).fetch('phase').details).to include(phase: 0)
    expect(legionio(report).fetch('settings file')).to have_attributes(status: :warn, what: a_string_including('c.json is left out: it is no JSON'))
  end

  it 'looks where LEGION_SETTINGS_DIRS says' do
    elsewhere = File.dirname(file('elsewhere/a.json', JSON.generate(extensions: { categories: { identity: category } })))
    with_env('LEGION_SETTINGS_DIRS' => elsewhere) do
      found = Legion::Extensions::Identity::Aws::Doctor::LegionIO.new.findings
      expect(found.last.details).to include(phase: 0)
    end
  end

  describe 'inside of it' do
    identity = Legion::Extensions::Identity::Aws::Identity

    before do
      stub_const('Legion::VERSION', '1.9.52')
      stub_const('Legion::Identity::Resolver', double(providers: [identity], composite: { providers: { aws: { status: :resolved } } }, register: nil))
      settings = double(loader: true)
      allow(settings).to receive(:[]).with(:extensions).and_return({ categories: { identity: category } })
      allow(settings).to receive(:[]).with(:role).and_return({ profile: nil })
      allow(settings).to receive(:[]).with(:identity).and_return(nil)
      allow(settings).to receive(:dig).with(:identity, :aws).and_return(nil)
      stub_const('Legion::Settings', settings)
    end

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

    it 'finds a provider that is missing, or is not ours' do
      broker
      stub_const('Legion::Identity::Resolver', double(providers: [], composite: nil, register: nil))
      expect(legionio.fetch('registration')).to have_attributes(status: :warn, remedy: a_string_including('autobuild'))
      stub_const('Legion::Identity::Resolver', double(providers: [double(provider_name: :aws)], composite: nil, register: nil))
      expect(legionio.fetch('registration')).to have_attributes(status: :warn, what: a_string_including("not this gem's"))
    end

    it 'finds a lease that is no longer valid, and a renewer that has ended' do
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
      expect(legionio.values_at('registration', 'Broker')).to all(have_attributes(status: :warn, what: a_string_including('cannot be asked')))
    end
  end
end
