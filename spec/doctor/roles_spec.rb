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

  it 'says that an MFA code is needed, and asks for none' do
    report = examine(role_arn: "#{BrokenWorld::ROLE}mfa-only", serial_number: 'arn:aws:iam::123456789012:mfa/demo', assume: true)
    expect(problems(report)).to contain_exactly(
      ['mfa', 'mfa', :warn, a_string_including('arn:aws:iam::123456789012:mfa/demo', 'there is no token_provider to ask'), a_string_including('token_provider')]
    )
    expect(finding(report, 'role')).to have_attributes(status: :skipped, what: a_string_including('asks for no MFA code'))

    report = examine(role_arn: "#{BrokenWorld::ROLE}mfa-only", serial_number: 'arn:aws:iam::123456789012:mfa/demo', token_provider: lambda { |_|
      raise 'asked'
    }, assume: true)
    expect(report.problems).to be_empty
    expect(finding(report, 'mfa').what).to include('asked of token_provider')
    expect(asked_of_sts).not_to include('AssumeRole')
  end

  it 'names a role even where there are no credentials to assume it with' do
    report = examine({ 'AWS_ENDPOINT_URL_STS' => local_aws.http }, role_arn: worker, assume: true)
    expect(finding(report, 'role').what).to include('there are no credentials to assume it with')
  end

  it 'tells what AWS says of a chain that is too long-lived' do
    report = examine(local_aws.env_with_container, role_arn: worker, session_duration: 7200, assume: true)
    expect(problems(report).map { |problem| problem.values_at(0, 2) }).to eq([['role', :fail]])
    expect(problems(report).first[3]).to include('7200')
  end
end
