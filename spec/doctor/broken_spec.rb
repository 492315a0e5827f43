# frozen_string_literal: true

require 'doctor/support/broken_world'

# Twelve set-ups that are broken on purpose. Of each the report names the cause and the remedy, and nothing secret.
RSpec.describe 'The doctor, on a machine' do
  include BrokenWorld

  it 'whose clock is wrong by an hour' do
    { -3600 => 'ahead of', 3600 => 'behind' }.each do |skew, way|
      local_aws.rule(service: :sts, skew_seconds: skew) do
        report = examine
        expect(report).not_to be_ok
        expect(problems(report)).to contain_exactly(
          ['network', 'clock', :fail, a_string_including("clock is 60 min #{way} STS's", '5 minutes'), a_string_including('timedatectl set-ntp true')]
        )
        expect(finding(report, 'network', 'clock').details).to include(offset_seconds: be_within(2).of(-skew))
      end
    end
  end

  it 'whose profile does not exist' do
    file('.aws/config', "[profile production]\nregion = eu-west-1\n")
    report = examine(profile: 'prodution')
    expect(problems(report)).to contain_exactly(
      ['sources', 'profile', :fail, a_string_including('profile (option)', '"prodution" does not exist', '.aws/config (1 profile)'),
       a_string_including('Did you mean "production"?')]
    )
    expect(finding(report, 'sources', 'environment').what).to include('not used: profile is there, fails, and is not passed over')
  end

  it 'whose AWS_PROFILE does not exist' do
    report = examine({ 'AWS_PROFILE' => 'gone' })
    expect(problems(report)).to include(['sources', 'profile', :fail, a_string_including('environment AWS_PROFILE', '"gone" does not exist'), String])
  end

  it 'whose source_profile leads back to itself' do
    file('.aws/config', <<~INI)
      [profile a]
      role_arn = #{BrokenWorld::ROLE}legion-worker
      source_profile = b
      [profile b]
      role_arn = #{BrokenWorld::ROLE}legion-worker
      source_profile = a
    INI
    report = examine({ 'AWS_PROFILE' => 'a', 'AWS_ENDPOINT_URL_STS' => local_aws.http })
    expect(problems(report)).to contain_exactly(
      ['sources', 'profile', :fail, a_string_including('leads back to itself', 'a', 'b'), a_string_including('Name a source_profile')]
    )
  end

  # A label of more than 63 characters is a name for no name server: nothing is asked over the network.
  it 'that does not know the name of its endpoint' do
    report = examine({ 'AWS_ENDPOINT_URL_STS' => "http://#{'n' * 64}.example" })
    expect(problems(report)).to include(['network', 'dns', :fail, a_string_including('cannot look up nnn'), a_string_including('the name server')])
    expect(finding(report, 'network', 'answer')).to have_attributes(status: :skipped, what: a_string_including('see dns'))
  end

  it 'with half a key pair' do
    report = examine(local_aws.env.merge('AWS_SECRET_ACCESS_KEY' => 'canary/of/the/doctor', 'AWS_EC2_METADATA_DISABLED' => 'true'),
                     secrets: ['canary/of/the/doctor'])
    expect(problems(report)).to contain_exactly(
      ['sources', 'environment', :fail, 'AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not.', 'Set both, or neither.']
    )
  end

  it 'whose SSO login has expired' do
    file('.aws/config', <<~INI)
      [profile laptop]
      sso_session = work
      sso_account_id = 123456789012
      sso_role_name = Developer
      [sso-session work]
      sso_start_url = https://example.awsapps.com/start
      sso_region = eu-west-1
    INI
    file(".aws/sso/cache/#{Digest::SHA1.hexdigest('work')}.json",
         JSON.generate(accessToken: 'canary/of/the/doctor', expiresAt: '2024-01-02T03:04:05Z', region: 'eu-west-1', startUrl: 'https://example.awsapps.com/start'))
    report = examine({ 'AWS_PROFILE' => 'laptop', **through_proxy }, secrets: ['canary/of/the/doctor'])
    expect(problems(report)).to contain_exactly(
      ['sources', 'profile laptop', :fail, a_string_including('The SSO login expired at 2024-01-02T03:04:05Z'), a_string_including('aws sso login')]
    )
    expect(finding(report, 'files', 'SSO token of profile laptop').what).to include('mode 0600')
  end

  it 'whose role may not be assumed' do
    report = examine(role_arn: "#{BrokenWorld::ROLE}forbidden", assume: true)
    expect(problems(report)).to contain_exactly(
      ['role', "#{BrokenWorld::ROLE}forbidden", :fail, a_string_including('AccessDenied', 'user/demo is not authorized to perform: sts:AssumeRole'),
       a_string_including('policy of the caller (AKIADEMOUSERFAKEAWS2)', "role's trust policy", 'no external id was sent', 'serial_number')]
    )
  end

  it 'whose role may not be assumed: with the policy documents to paste' do
    role = "#{BrokenWorld::ROLE}forbidden"
    report = examine(role_arn: role, assume: true)
    caller_policy, trust_policy = finding(report, 'role').details.values_at(:caller_policy, :trust_policy).map { |text| JSON.parse(text) }
    expect(caller_policy['Statement']).to eq([{ 'Effect' => 'Allow', 'Action' => 'sts:AssumeRole', 'Resource' => role }])
    expect(trust_policy['Statement']).to eq([{ 'Effect' => 'Allow', 'Principal' => { 'AWS' => BrokenWorld::DEMO }, 'Action' => 'sts:AssumeRole' }])

    pasted = report.to_s.scan(/^   \{\n.*?^   \}$/m).map { |text| JSON.parse(text) }
    expect(pasted).to eq([caller_policy, trust_policy])
    expect(report.to_s).to include('For the policy of the caller:', "For the role's trust policy:")
  end

  it 'whose own role comes from a container, which tells its ARN, or from a service that does not tell its path' do
    role = "#{BrokenWorld::ROLE}forbidden"
    trusted = lambda do |env|
      report = examine({ 'AWS_ENDPOINT_URL_STS' => local_aws.http, **env }, role_arn: role, assume: true)
      details = finding(report, 'role', role).details
      [JSON.parse(details.fetch(:trust_policy)).dig('Statement', 0, 'Principal', 'AWS'), details.fetch(:policy_note)]
    end
    expect(trusted.call(local_aws.env_with_container)).to eq(["#{BrokenWorld::ROLE}ecs-task", ''])
    expect(trusted.call(local_aws.env)).to match(["#{BrokenWorld::ROLE}PATH/ec2-web", a_string_including('--role-name ec2-web')])
  end

  it 'whose AWS_PROFILE is shadowed by keys' do
    file('.aws/credentials', demo_profile('worker'))
    %w[AWS_PROFILE AWS_DEFAULT_PROFILE].each do |variable|
      report = examine(keys.merge(variable => 'worker'))
      expect(report).to be_ok
      expect(problems(report)).to contain_exactly(
        ['sources', 'shadowed profile', :warn, a_string_including("#{variable} names the profile worker", "the identity is theirs, not the profile's"),
         a_string_including('Unset AWS_ACCESS_KEY_ID', '--profile worker')]
      )
    end
    expect(problems(examine(keys.merge('AWS_PROFILE' => 'worker'), profile: 'worker'))).to be_empty
    expect(problems(examine(keys.merge('AWS_PROFILE' => 'worker'), credential_source: 'Environment'))).to be_empty
    expect(problems(examine({ 'AWS_PROFILE' => 'worker', 'AWS_ENDPOINT_URL_STS' => local_aws.http }))).to be_empty
  end

  it 'whose web identity the role does not trust: with the trust policy that its token tells' do
    claims = { iss: 'https://oidc.eks.eu-west-1.amazonaws.com/id/AB', sub: 'system:serviceaccount:legion:worker', aud: ['sts.amazonaws.com'] }
    token = ['h', JSON.generate(claims), 'canary-of-the-doctor'].map { |part| [part].pack('m0').tr('+/', '-_').delete('=') }.join('.')
    path = file('token', token)
    equals = { "#{claims[:iss].delete_prefix('https://')}:aud" => claims[:aud], "#{claims[:iss].delete_prefix('https://')}:sub" => claims[:sub] }
    file('.aws/config', "[profile p]\nrole_arn = #{BrokenWorld::ROLE}irsa-app\nweb_identity_token_file = #{path}\n")
    role = { 'AWS_ROLE_ARN' => "#{BrokenWorld::ROLE}irsa-app" }
    answer = { error: { status: 403, code: 'AccessDenied', message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity' } }
    local_aws.rule(service: :sts, action: 'AssumeRoleWithWebIdentity', answer: answer) do
      [[role.merge('AWS_WEB_IDENTITY_TOKEN_FILE' => path), {}], [{ 'AWS_PROFILE' => 'p' }, {}],
       [role, { web_identity_token_file: path }], [role, { web_identity_token: token }]].each do |env, options|
        report = examine(local_aws.env.merge(env), secrets: [token, 'canary-of-the-doctor'], **options)
        details = report.problems.first.details
        expect(JSON.parse(details.fetch(:trust_policy))['Statement'].first).to eq(
          'Effect' => 'Allow', 'Action' => 'sts:AssumeRoleWithWebIdentity', 'Condition' => { 'StringEquals' => equals },
          'Principal' => { 'Federated' => 'arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB' }
        )
        expect(report.to_s).to include("For the role's trust policy:", 'list-open-id-connect-providers')
        expect(details).not_to include(:caller_policy)
      end
    end
  end

  it 'whose metadata service answers 403, as where it is turned off, on a machine that does not say it is EC2' do
    local_aws.rule(service: :imds, action: 'Token', answer: { error: { status: 403, code: 'Forbidden' } }) do
      expect(problems(examine(local_aws.env))).to contain_exactly(
        ['sources', 'credentials', :fail, a_string_including('a metadata service is there and answers 403', 'turned off'),
         a_string_including('If this is an EC2 instance', 'aws ec2 modify-instance-metadata-options', '--http-endpoint enabled')]
      )
      expect(problems(examine)).to be_empty
    end
  end

  it 'that has temporary keys without their session token, before it asks AWS' do
    report = examine(keys.merge('AWS_ACCESS_KEY_ID' => 'ASIAQWERTYUIOPASDFGH'), role_arn: "#{BrokenWorld::ROLE}legion-worker", assume: true)
    expect(problems(report)).to contain_exactly(
      ['sources', 'key shape', :fail, a_string_including('begins with ASIA', 'no session token'), a_string_including('session token')]
    )
    expect(report.to_s).to include('ASIAQWERTYUIOPASDFGH, expires at a time that is not known')
    expect(asked_of_sts).not_to include('GetCallerIdentity', 'AssumeRole')
  end

  it 'that has long-lived keys beside the session token of others' do
    report = examine(keys.merge('AWS_SESSION_TOKEN' => 'canary-of-the-doctor'), secrets: ['canary-of-the-doctor'])
    about = a_string_including('begins with AKIA', 'session token, which belongs to other keys')
    remedy = a_string_including('leftover AWS_SESSION_TOKEN')
    expect(problems(report)).to contain_exactly(['sources', 'key shape', :warn, about, remedy], ['identity', anything, :fail, about, remedy])
  end

  # (aws-cdk-cli#762)
  it 'that may not tag the session of its role' do
    role = "#{BrokenWorld::ROLE}legion-worker"
    message = "User: x is not authorized to perform: sts:TagSession on resource: #{role}"
    local_aws.rule(service: :sts, action: 'AssumeRole', answer: { error: { status: 403, code: 'AccessDenied', message: message } }) do
      expect(problems(examine(role_arn: role, assume: true))).to contain_exactly(
        ['role', role, :fail, a_string_including('sts:TagSession'),
         a_string_including('Allow sts:TagSession beside sts:AssumeRole twice', "role's trust policy")]
      )
    end
  end

  it 'that sends the wrong external id' do
    report = examine(role_arn: "#{BrokenWorld::ROLE}external-id-only", external_id: 'canary:of/the/doctor', assume: true, secrets: ['canary:of/the/doctor'])
    expect(problems(report)).to contain_exactly(
      ['role', "#{BrokenWorld::ROLE}external-id-only", :fail, a_string_including('AccessDenied'),
       a_string_including('external id that was sent must be the very one the trust policy asks for (sts:ExternalId)')]
    )
    expect(examine(role_arn: "#{BrokenWorld::ROLE}external-id-only", external_id: 'legion-7f3a:partner/42', assume: true).problems).to be_empty
  end

  describe 'whose proxy' do
    it 'refuses the connection' do
      report = examine(keys.merge(through_proxy('HTTPS_PROXY' => 'http://user:canary-of-the-doctor@127.0.0.1:9')), secrets: ['canary-of-the-doctor'])
      expect(problems(report)).to contain_exactly(
        ['network', 'proxy', :fail, a_string_including('https://sts.eu-west-1.amazonaws.com cannot be reached through the proxy http://127.0.0.1:9', 'refused'),
         a_string_including('Check that the proxy http://127.0.0.1:9 runs', 'NO_PROXY')]
      )
      expect(finding(report, 'identity').what).to include('STS cannot be reached')
    end

    it 'does not let it in' do
      local_aws.world(proxy: { authorization: 'Basic d2hvZXZlcjpoYXM=' })
      report = examine(keys.merge(through_proxy('HTTPS_PROXY' => local_aws.proxy.sub('//', '//user:canary-of-the-doctor@'))), secrets: ['canary-of-the-doctor'])
      expect(problems(report)).to contain_exactly(
        ['network', 'proxy', :fail, a_string_including("the proxy #{local_aws.proxy} refuses us", 'user and a password'),
         a_string_including('user:password@host')]
      )
    end

    it 'has a URL that is none' do
      report = examine(keys.merge(through_proxy('HTTPS_PROXY' => 'socks5://user:canary-of-the-doctor@host')), secrets: ['canary-of-the-doctor'])
      expect(problems(report)).to contain_exactly(['network', 'proxy', :fail, a_string_including('HTTPS_PROXY is "socks5://host"'), String])
    end
  end

  it 'that does not know the authority of a certificate' do
    other = other_authority
    report = examine(keys.merge(through_proxy('AWS_CA_BUNDLE' => other)))
    expect(problems(report)).to contain_exactly(
      ['network', 'tls', :fail, a_string_including('is not trusted', "the bundle #{other} alone"), a_string_including('AWS_CA_BUNDLE')]
    )
  end

  # An authority that has signed none of the certificates in use here.
  def other_authority
    require 'openssl'
    key = OpenSSL::PKey::EC.generate('prime256v1')
    certificate = OpenSSL::X509::Certificate.new
    certificate.version = 2
    certificate.serial = 1
    certificate.subject = certificate.issuer = OpenSSL::X509::Name.parse('/CN=Another authority')
    certificate.public_key = key
    certificate.not_before = Time.now - 60
    certificate.not_after = Time.now + 3600
    extensions = OpenSSL::X509::ExtensionFactory.new(certificate, certificate)
    certificate.add_extension(extensions.create_extension('basicConstraints', 'CA:TRUE', true))
    file('other-ca.pem', certificate.sign(key, OpenSSL::Digest.new('SHA256')).to_pem)
  end

  it 'that is a container on EC2, a hop too far from the metadata service' do
    file('dmi/sys_vendor', "Amazon EC2\n")
    allow(Legion::Extensions::Identity::Aws::Internal::Layers).to receive(:of).and_wrap_original do |layers, *arguments, **options|
      layers.call(*arguments, **options).merge(dmi_folder: File.join(home, 'dmi'))
    end
    local_aws.rule(service: :imds, action: 'Token', answer: 'hang') do
      report = examine(local_aws.env)
      expect(problems(report)).to contain_exactly(
        ['sources', 'imds', :fail, a_string_including('This is an EC2 instance', 'no answer'), a_string_including('hop limit (HttpPutResponseHopLimit) to 2')]
      )
      expect(finding(report, 'sources', 'imds').milliseconds).to be_between(900, 5000) # the figure is 1 s
    end
  end

  describe 'whose web identity token file cannot be read' do
    def without_token(path)
      examine(local_aws.env.merge('AWS_WEB_IDENTITY_TOKEN_FILE' => path, 'AWS_ROLE_ARN' => "#{BrokenWorld::ROLE}irsa-app",
                                  'AWS_EC2_METADATA_DISABLED' => 'true'))
    end

    it 'because it is not there' do
      path = File.join(home, 'nowhere/token')
      expect(problems(without_token(path))).to contain_exactly(
        ['files', 'AWS_WEB_IDENTITY_TOKEN_FILE', :warn, a_string_including("#{path} does not exist"), a_string_including('mount')],
        ['sources', 'web identity', :fail, a_string_including("#{path} cannot be read (it does not exist)"),
         a_string_including('mounted', 'this user may read it')]
      )
    end

    it 'because it is a folder' do
      expect(problems(without_token(home))).to include(['sources', 'web identity', :fail, a_string_including('is not a regular file'),
                                                        a_string_including('mounted')])
    end

    it 'because it is a pipe without a writer' do
      path = File.join(home, 'pipe')
      File.mkfifo(path, 0o600)
      expect(problems(without_token(path))).to include(['sources', 'web identity', :fail, a_string_including('is not a regular file'), String])
    end
  end

  it 'whose cached role session may be read by others' do
    cache = File.join(home, 'cache')
    with_env(keys.merge('HOME' => home)) { Legion::Extensions::Identity::Aws::Session.new(role_arn: "#{BrokenWorld::ROLE}legion-worker", cache: cache).credentials }
    session = Dir["#{cache}/*.json"].first
    content = JSON.parse(File.read(session)).fetch('Credentials')
    secrets = content.values_at('SecretAccessKey', 'SessionToken')
    expect(examine(cache: cache, secrets: secrets).problems).to be_empty

    File.chmod(0o644, session)
    report = examine(cache: cache, secrets: secrets)
    expect(report).to be_ok # STS is asked instead
    expect(problems(report)).to contain_exactly(
      ['cache', 'files', :warn, a_string_including(File.basename(session), 'may be read or written by others', 'not used'),
       a_string_including("chmod 600 #{cache}/*.json")]
    )
  end

  it 'whose cache folder may be written by others' do
    cache = File.join(home, 'cache').tap { |folder| Dir.mkdir(folder, 0o700) && File.chmod(0o777, folder) }
    expect(problems(examine(cache: cache))).to contain_exactly(['cache', 'folder', :warn, a_string_including('may write to it'),
                                                                a_string_including('chmod 700')])
  end

  it 'whose folder of shared files may be written by anyone, and not where a group shares it, or only owners may replace a file' do
    folder = File.dirname(file('shared/config', "[default]\n"))
    env = keys.merge('AWS_CONFIG_FILE' => "#{folder}/config")
    [0o775, 0o1777].each do |mode|
      File.chmod(mode, folder)
      expect(examine(env).problems).to be_empty
    end
    File.chmod(0o777, folder)
    report = examine(env)
    expect(report).to be_ok
    expect(problems(report)).to contain_exactly(['files', 'folder', :warn, a_string_including("#{folder} (mode 0777) may be written by anyone"),
                                                 "Run `chmod o-w #{folder}`."])
  end
end
