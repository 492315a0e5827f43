# frozen_string_literal: true

require 'doctor/support/broken_world'

RSpec.describe 'The doctor, looking at the sources,' do
  include BrokenWorld

  def sources(report) = report.findings.select { |found| found.check == 'sources' }.to_h { |found| [found.name, [found.status, found.what]] }

  it 'asks all of them, not only up to the first that gives credentials' do
    file('.aws/credentials', demo_profile('default'))
    token = local_aws.world.fetch('web_identity_tokens').keys.first
    env = keys.merge(local_aws.env_with_container, 'AWS_WEB_IDENTITY_TOKEN_FILE' => file('token', token), 'AWS_ROLE_ARN' => "#{BrokenWorld::ROLE}irsa-app")
    report = examine(env, secrets: [token, env.fetch('AWS_CONTAINER_AUTHORIZATION_TOKEN')])
    expect(sources(report)).to match(
      'environment'     => [:ok, 'gives AKIADEMOUSERFAKEAWS2, does not expire'],
      'profile default' => [:ok, 'could give credentials; not used: environment comes first'],
      'web identity'    => [:ok, 'the token can be read; it was not traded; not used: environment comes first'],
      'container'       => [:ok, 'gives credentials; not used: environment comes first'],
      'imds'            => [:ok, 'gives credentials; not used: environment comes first'],
      'credentials'     => [:ok, 'from environment: AKIADEMOUSERFAKEAWS2, does not expire']
    )
    expect(asked_of_sts - ['']).to eq(['GetCallerIdentity'])
  end

  it 'takes the same one as a session does' do
    { keys => 'environment', { 'AWS_PROFILE' => 'p' } => 'profile p', local_aws.env_with_container => 'container',
local_aws.env => 'imds' }.each do |env, source|
      file('.aws/credentials', demo_profile('p'))
      env = { 'HOME' => home, 'AWS_ENDPOINT_URL_STS' => local_aws.http, **env }
      report = examine(env)
      expect(finding(report, 'sources', 'credentials').details).to include(source: source)
      with_env(env) { expect(Legion::Extensions::Identity::Aws::Session.new.identity.source).to eq(source) }
      expect(finding(report, 'identity', 'base').details).to include(account: '123456789012')
    end
  end

  it 'neither shows nor sends a secret that stands where the key id should' do
    id, secret = keys.values_at('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY')
    profile = "[default]\naws_access_key_id = #{secret}\naws_secret_access_key = #{id}\n"
    file('.aws/credentials', profile)
    [keys.merge('AWS_ACCESS_KEY_ID' => secret, 'AWS_SECRET_ACCESS_KEY' => id),
     { 'HOME' => home, 'AWS_ENDPOINT_URL_STS' => local_aws.http, 'AWS_EC2_METADATA_DISABLED' => 'true' }].each do |env|
      expect(examine(env, secrets: [secret]).problems.join).to include('key id and secret may be swapped')
      with_env({ 'HOME' => home }.merge(env)) do
        expect { Legion::Extensions::Identity::Aws::Session.new.identity }
          .to raise_error(Legion::Extensions::Identity::Aws::ConfigurationError, satisfy { |message| !message.include?(secret) })
      end
    end
    expect(local_aws.requests(service: :sts).map { |request| request.fetch(:headers).to_s }).not_to include(a_string_including(secret))
  end

  it 'tells what is wrong with one that is not used, as a warning' do
    report = examine(keys.merge('AWS_WEB_IDENTITY_TOKEN_FILE' => File.join(home, 'gone')))
    expect(report).to be_ok
    expect(sources(report).fetch('web identity')).to match([:warn, a_string_including('cannot be read', 'not used: environment comes first')])
  end

  it 'does not run the program of a profile that is not used, and runs that of one that is' do
    witness = File.join(home, 'witness')
    program = file('program', "#!/bin/sh\ntouch #{witness}\necho '{\"Version\": 1, \"AccessKeyId\": \"AKIAPROGRAM\", \"SecretAccessKey\": \"canary\"}'\n",
                   mode: 0o755)
    file('.aws/config', "[default]\ncredential_process = #{program} --secret canary\n[profile p]\ncredential_process = #{program}\n")
    expect(sources(examine(secrets: ['canary'])).fetch('profile default').first).to be(:ok)
    expect(File).not_to exist(witness)

    report = examine(local_aws.env, profile: 'p', secrets: ['canary'])
    expect(File).to exist(witness)
    expect(finding(report, 'sources', 'profile p').what).to include('AKIAPROGRAM')
    expect(problems(report).map(&:first)).to eq(['identity']) # AWS does not know the key
  end

  it 'leaves the objects of the program alone' do
    source = Object.new
    def source.credentials = raise('asked')
    report = examine(source: source)
    expect(sources(report).fetch('credentials')).to match([:skipped, a_string_including('object or a callable of your program')])
    expect(sources(report).fetch('environment')).to match([:ok, a_string_including('not used: another one is asked for by name')])
    report = examine(web_identity_token: -> { raise 'asked' }, role_arn: "#{BrokenWorld::ROLE}irsa-app")
    expect(sources(report).fetch('credentials').first).to be(:skipped)
  end

  it 'says where there are none' do
    expect(problems(examine({ 'AWS_ENDPOINT_URL_STS' => local_aws.http }))).to contain_exactly(
      ['sources', 'credentials', :fail, a_string_including('Nothing names AWS credentials here'), a_string_including('name a profile')]
    )
  end

  it 'says that credentials have expired' do
    program = "echo '{\"Version\": 1, \"AccessKeyId\": \"ASIAENDED\", \"SecretAccessKey\": \"canary\", \"SessionToken\": \"canary\", " \
              "\"Expiration\": \"2024-01-02T03:04:05Z\"}'"
    file('.aws/config', "[profile p]\ncredential_process = #{file('program', "#!/bin/sh\n#{program}\n", mode: 0o755)}\n")
    report = examine(local_aws.env, profile: 'p', secrets: ['canary'])
    expect(problems(report)).to include(['sources', a_string_matching(/credentials|profile p/), :fail, a_string_including('2024-01-02'),
                                         a_string_including('clock')])
  end

  it 'reports settings that cannot be used, and what is not looked at for that' do
    report = examine(keys.merge('AWS_REGION' => 'eu west 1'))
    expect(problems(report)).to contain_exactly(['settings', 'settings', :fail, a_string_including('AWS_REGION', 'eu west 1'), String])
    skipped = report.findings.select { |found| found.what.include?('not looked at') }.map(&:check)
    expect(skipped).to eq(%w[sources network identity mfa role cache])
    expect(problems(examine(reigon: 'x'))).to contain_exactly(['settings', 'settings', :fail, a_string_including('unknown option "reigon"'),
                                                               'Did you mean region?'])
  end

  it 'shows settings with their origins, and passwords in none' do
    report = examine(keys.merge('AWS_REGION' => 'eu-west-1'), endpoint: local_aws.http.sub('//', '//user:canary-of-the-doctor@'),
                                                              secrets:  ['canary-of-the-doctor'])
    expect(finding(report, 'settings',
                   'region')).to have_attributes(what: 'eu-west-1 (environment AWS_REGION)', details: { value: 'eu-west-1', origin: 'environment AWS_REGION' })
    expect(finding(report, 'settings', 'endpoint').what).to eq("#{local_aws.http} (option)")
    expect(finding(report, 'network', 'endpoint').what).to include(local_aws.http)
  end

  it 'warns of files that others may read or write' do
    file('.aws/credentials', demo_profile('default'), mode: 0o644)
    file('.aws/config', "[default]\nregion = eu-west-1\n", mode: 0o666)
    file('.aws/cli/cache/abc.json', '{}', mode: 0o640)
    expect(problems(examine)).to contain_exactly(
      ['files', 'credentials file', :warn, /mode 0644.*read by others/, "Run `lex-identity-aws doctor --fix`, or `chmod 600 #{home}/.aws/credentials`."],
      ['files', 'config file', :warn, /mode 0666.*written by others/, "Run `lex-identity-aws doctor --fix`, or `chmod go-w #{home}/.aws/config`."],
      ['files', 'AWS CLI cache', :warn, a_string_including('abc.json'), a_string_including('chmod 600')]
    )
  end

  it 'reports a profile file that is no profile file' do
    file('.aws/config', "[profile p\naws_secret_access_key = canary-of-the-doctor\n")
    report = examine(secrets: ['canary-of-the-doctor'])
    expect(problems(report)).to contain_exactly(['sources', 'profile', :fail, a_string_including('.aws/config, line 1'), String])
    report = examine(keys.merge('AWS_REGION' => 'eu west 1'), secrets: ['canary-of-the-doctor'])
    expect(problems(report)).to include(['files', 'profiles', :fail, a_string_including('.aws/config, line 1'), String])
  end
end
