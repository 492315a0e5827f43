# frozen_string_literal: true

require 'session/support/mfa_users'
require 'tmpdir'

RSpec.describe 'Aws.profiles', :mfa_users do
  aws = Legion::Extensions::Identity::Aws

  config = <<~INI
    [default]
    region = eu-west-1

    [profile worker]
    role_arn = arn:aws:iam::123456789012:role/worker
    source_profile = keys
    mfa_serial = arn:aws:iam::123456789012:mfa/dana

    [profile astray]
    role_arn = arn:aws:iam::123456789012:role/astray
    source_profile = nowhere

    [profile program]
    credential_process = /no/such/program

    [profile web]
    role_arn = arn:aws:iam::123456789012:role/web
    web_identity_token_file = /no/such/token

    [profile people]
    sso_session = corporate
    sso_account_id = 123456789012
    sso_role_name = Developer

    [sso-session corporate]
    sso_start_url = https://example.awsapps.com/start
    sso_region = us-east-1
  INI
  credentials = "[keys]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = canary-secret\n"

  around do |example|
    Dir.mktmpdir do |folder|
      File.write("#{folder}/config", config)
      File.write("#{folder}/credentials", credentials)
      with_env('AWS_CONFIG_FILE' => "#{folder}/config", 'AWS_SHARED_CREDENTIALS_FILE' => "#{folder}/credentials") { example.run }
    end
  end

  def profile(name) = MfaUsers::Aws.profiles.find { |found| found.name == name }

  it 'lists each profile by name, with its kind' do
    expect(aws.profiles.to_h { |found| [found.name, found.kind] })
      .to eq('astray' => :assume_role, 'default' => :settings, 'keys' => :static_keys, 'people' => :sso, 'program' => :process, 'web' => :web_identity,
             'worker' => :assume_role)
    expect(aws.profiles).to be_frozen.and all(be_frozen)
  end

  it 'gives the needs of a profile' do
    expect(profile('worker')).to have_attributes(role_arns: ['arn:aws:iam::123456789012:role/worker'], source_profile: 'keys', could_work?: true, reason: nil,
                                                 needs: include({ type: :mfa, name: 'arn:aws:iam::123456789012:mfa/dana' },
                                                                { type: :source_profile, name: 'keys' }))
    expect(profile('default').region).to eq('eu-west-1')
  end

  it 'gives the reason why a profile could not work' do
    expect(profile('astray')).to have_attributes(could_work?: false, reason: /nowhere/)
    expect(profile('program')).to have_attributes(could_work?: false, reason: /program/)
    expect(profile('web')).to have_attributes(could_work?: false, reason: %r{/no/such/token})
    expect(profile('people')).to have_attributes(could_work?: false, needs: include(type: :sso_login, name: 'https://example.awsapps.com/start'))
  end

  it 'sends no request, and shows no secret' do
    expect(aws.profiles.inspect).not_to include('canary')
    expect(aws.profiles.map(&:to_h).to_s).not_to include('canary')
  end

  it 'is empty without files' do
    with_env({}) { expect(aws.profiles).to eq([]) }
  end

  it 'finds the home directory without HOME' do
    result = ruby_process("%w[HOME AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE].each { |name| ENV.delete(name) }\n" \
                          "require 'legion/extensions/identity/aws'\nAws = Legion::Extensions::Identity::Aws\n" \
                          "warn Aws.doctor.to_s\nputs ENV['HOME'].inspect, Aws.profiles.class")
    expect(result.stdout.split).to eq(%w[nil Array])
    expect(result.stderr).to include("#{Etc.getpwuid.dir}/.aws/")
  end
end
