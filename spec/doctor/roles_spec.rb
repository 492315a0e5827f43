# frozen_string_literal: true

require 'doctor/support/broken_world'

RSpec.describe 'The doctor, looking at the roles,' do
  include BrokenWorld

  let(:worker) { "#{BrokenWorld::ROLE}legion-worker" }

  it 'shows them without assuming them' do
    report = examine(role_arn: worker, external_id: 'canary:external/id', session_duration: 1800, secrets: ['canary:external/id'])
    expect(finding(report, 'role')).to have_attributes(
      name: worker, status: :skipped, what: a_string_including('asked for by option', 'for 1800 s', 'with an external id', 'not tried; --assume'),
      details: include(assumed: false, external_id_given: true, duration_seconds: 1800)
    )
    expect(asked_of_sts).not_to include('AssumeRole')
  end

  it 'assumes them where it is told to, and says who that makes us' do
    report = examine(role_arn: [worker, "#{BrokenWorld::ROLE}from-worker-only"], assume: true)
    expect(report.problems).to be_empty
    expect(report.findings.select { |found| found.check == 'role' }.map { |found| found.details[:assumed] }).to eq([true, true])
    expect(finding(report, 'identity', 'role').what).to include('assumed-role/from-worker-only/')
    expect(asked_of_sts.count('AssumeRole')).to be(2)
  end

  it 'does not take them from the cache on disk' do
    2.times { expect(examine(role_arn: worker, cache: File.join(home, 'cache'), assume: true).problems).to be_empty }
    expect(asked_of_sts.count('AssumeRole')).to be(2)
    expect(Dir.exist?(File.join(home, 'cache'))).to be(false) # nothing is made by looking
  end

  it 'stops at the first that is refused' do
    report = examine(role_arn: ["#{BrokenWorld::ROLE}forbidden", worker], assume: true)
    expect(report.findings.select { |found| found.check == 'role' }.map(&:status)).to eq(%i[fail skipped])
  end

  it 'finds those of a profile' do
    file('.aws/credentials', demo_profile('base'))
    file('.aws/config', "[profile p]\nrole_arn = #{worker}\nsource_profile = base\n")
    env = { 'AWS_ENDPOINT_URL_STS' => local_aws.http, 'AWS_PROFILE' => 'p' }
    expect(finding(examine(env), 'role')).to have_attributes(name: worker, what: a_string_including('asked for by profile'))
    expect(finding(examine(env, assume: true), 'role')).to have_attributes(status: :ok, what: a_string_including('assumed: ASIA'))
  end

  describe 'one that needs an MFA code,' do
    let(:device) { 'arn:aws:iam::123456789012:mfa/demo' }
    let(:guarded) { { role_arn: "#{BrokenWorld::ROLE}mfa-only", serial_number: device } }

    it 'says so where there is no token_provider' do
      report = examine(**guarded, assume: true)
      expect(problems(report)).to contain_exactly(
        ['mfa', 'mfa', :warn, a_string_including(device, 'there is no token_provider to ask'), a_string_including('token_provider')]
      )
      expect(finding(report, 'role')).to have_attributes(status: :skipped, what: a_string_including('there is no MFA code, see mfa'))
    end

    it 'asks its token_provider for none unless it assumes the role' do
      report = examine(**guarded, token_provider: ->(_) { raise 'asked' })
      expect(report.problems).to be_empty
      expect(finding(report, 'mfa').what).to include('asked of token_provider')
      expect(asked_of_sts).not_to include('AssumeRole')
    end

    it 'assumes it with a code of its token_provider' do
      report = examine(**guarded, token_provider: ->(serial) { '222222' if serial == device }, assume: true)
      expect(report.problems).to be_empty
      expect(finding(report, 'identity', 'role').what).to include('assumed-role/mfa-only/')
    end

    it 'tells a wrong code from a role that may not be assumed, and a token_provider that fails from both' do
      report = examine(**guarded, token_provider: -> { '000000' }, assume: true)
      expect(problems(report)).to contain_exactly(['role', guarded[:role_arn], :fail, /invalid MFA/, /the device shows now/])
      expect(finding(report, 'role').details).not_to include(:trust_policy)

      report = examine(**guarded, token_provider: -> { raise 'canary' }, assume: true, secrets: ['canary'])
      expect(problems(report)).to contain_exactly(['role', guarded[:role_arn], :fail, /token_provider raised RuntimeError/, /asked again/])
    end

    it 'sends no code that is none' do
      report = examine(**guarded, token_provider: -> { '12345' }, assume: true)
      expect(problems(report)).to match([['role', guarded[:role_arn], :fail, /six digits/, anything]])
      expect(asked_of_sts).not_to include('AssumeRole')
    end

    it 'ends with Timeout while it asks' do
      begun = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      expect { Timeout.timeout(0.5) { examine(**guarded, token_provider: -> { sleep 20 }, assume: true) } }.to raise_error(Timeout::Error)
      expect(Process.clock_gettime(Process::CLOCK_MONOTONIC) - begun).to be < 10 # the token_provider takes 20 s
    end
  end

  it 'names a role even where there are no credentials to assume it with' do
    report = examine({ 'AWS_ENDPOINT_URL_STS' => local_aws.http }, role_arn: worker, assume: true)
    expect(finding(report, 'role').what).to include('there are no credentials to assume it with')
  end

  describe 'those of identity.aws.roles,' do
    let(:allowed) { { 'Version' => '2012-10-17', 'Statement' => [{ 'Effect' => 'Allow', 'Action' => 's3:GetObject', 'Resource' => '*' }] } }
    let(:roles) do
      { 'good'    => worker, 'chained' => { 'role_arn' => worker, 'session_duration' => 1800 }, 'shut' => { 'role_arn' => "#{BrokenWorld::ROLE}forbidden" },
        'odd'     => { 'role_arm' => 'canary-of-the-doctor' }, 'five' => 5, 'words' => 'nonsense', 'limited' => { 'scope_policy' => allowed },
        'misspelt' => { 'role_arn' => worker, 'externalid' => 'canary-of-the-doctor' }, 'default' => worker }
    end

    # As the program has them, from LegionIO's files.
    def of_settings(roles, token_provider: nil, assume: false, **settings)
      file('.legionio/settings/a.json', JSON.generate(identity: { aws: { **settings, roles: roles } }))
      with_env(keys) do
        files = Legion::Extensions::Identity::Aws::LegionIO::SettingsFiles.new
        given = Legion::Extensions::Identity::Aws::Internal::Secret.new({ token_provider: token_provider }.compact)
        report = Legion::Extensions::Identity::Aws::Doctor.examine(given, settings_files: files, assume: assume)
        shows_no_secret(report.to_s + report.to_json, ['canary-of-the-doctor'])
        report.findings.select { |found| found.check == 'role' }.to_h { |found| [found.name, found] }
      end
    end

    it 'names each, with what is wrong with its shape' do
      found = of_settings(roles)
      expect(found.fetch("good (#{worker})")).to have_attributes(status: :skipped, what: a_string_including('not tried; --assume'),
                                                                 details: include(qualifier: 'good'))
      expect(found.fetch("chained (#{worker})").what).to include('asked for by identity.aws.roles, for 1800 s')
      expect(found.fetch('role').what).to eq('none is asked for by the process itself')
      expect(found.fetch('limited (scope)')).to have_attributes(status: :skipped, what: a_string_including("limits the process's own session"))
      expect(found.fetch('odd')).to have_attributes(status: :fail, what: a_string_including('identity.aws.roles.odd names no role'))
      expect(found.fetch('five')).to have_attributes(status: :fail, what: a_string_including('is of class Integer'))
      expect(found.fetch('words (options)').status).to be(:fail)
      expect(found.fetch('misspelt (options)').status).to be(:fail)
      expect(found.fetch('identity.aws.roles')).to have_attributes(status: :warn, what: a_string_including('default is ignored'))
      expect(found.values.select(&:problem?)).to all(have_attributes(remedy: a_string_matching(/\S/)))
      expect(asked_of_sts).not_to include('AssumeRole')
    end

    it 'assumes each where it is told to, whatever becomes of the others' do
      found = of_settings(roles, assume: true)
      expect(found.fetch("good (#{worker})")).to have_attributes(status: :ok, what: a_string_including('assumed: ASIA'))
      expect(found.fetch("chained (#{worker})").status).to be(:ok)
      expect(found.fetch("shut (#{BrokenWorld::ROLE}forbidden)")).to have_attributes(status: :fail, details: include(:trust_policy, qualifier: 'shut'))
      expect(asked_of_sts.count('AssumeRole')).to be(3)
    end

    it "limits the process's own session, where one has a scope_policy" do
      found = of_settings({ 'limited' => { 'scope_policy' => allowed } }, assume: true, role_arn: worker)
      expect(found.fetch('limited (scope)')).to have_attributes(status: :ok, what: a_string_including('scope_policy of', ': ASIA'))
      expect(asked_of_sts).to include('GetScopedCredentials')

      found = of_settings({ 'limited' => { 'scope_policy' => allowed } }, assume: true)
      expect(found.fetch('limited (scope)')).to have_attributes(status: :fail, what: a_string_including('is a long-lived key'))
    end

    it 'prints the policy that allows a scope_policy, where AWS refuses it' do
      local_aws.rule(service: :sts, action: 'GetScopedCredentials', answer: { error: { status: 403, code: 'AccessDenied' } }) do
        found = of_settings({ 'limited' => { 'scope_policy' => allowed } }, assume: true, role_arn: worker).fetch('limited (scope)')
        statement = { 'Effect' => 'Allow', 'Action' => 'sts:GetScopedCredentials', 'Resource' => '*' }
        expect(JSON.parse(found.details.fetch(:caller_policy))).to eq('Version' => '2012-10-17', 'Statement' => [statement])
        expect(found.details).not_to include(:trust_policy)
      end
    end

    it 'asks for the MFA code of one, and for none of the others' do
      guarded = { 'role_arn' => "#{BrokenWorld::ROLE}mfa-only", 'serial_number' => 'arn:aws:iam::123456789012:mfa/demo' }
      codes = %w[333333]
      found = of_settings({ 'guarded' => guarded, 'good' => worker }, assume: true, token_provider: -> { codes.shift })
      expect(found.values.map(&:status)).to eq(%i[skipped ok ok])
      expect(codes).to be_empty
    end

    it 'has them in the process of LegionIO too' do
      settings = double(loader: true)
      allow(settings).to receive(:dig) { |*keys| { roles: { deploy: worker, odd: {} } } if keys == %i[identity aws] }
      stub_const('Legion::Settings', settings)
      names = examine.findings.select { |found| found.check == 'role' }.map(&:name)
      expect(names).to eq(['role', "deploy (#{worker})", 'odd'])
    end

    it 'passes over what is no Hash' do
      expect(of_settings([worker])).to include('identity.aws.roles' => have_attributes(status: :warn, what: a_string_including('is of class Array')))
      expect(of_settings(nil).keys).to eq(['role'])
    end
  end

  it 'tells what AWS says of a chain that is too long-lived' do
    report = examine(local_aws.env_with_container, role_arn: worker, session_duration: 7200, assume: true)
    expect(problems(report).map { |problem| problem.values_at(0, 2) }).to eq([['role', :fail]])
    expect(problems(report).first[3]).to include('7200')
  end
end
