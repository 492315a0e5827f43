# frozen_string_literal: true

require 'session/support/mfa_users'
require 'tempfile'

# The rows of docs/options.md: every option is given once, and the log of the local AWS shows what arrived.
RSpec.describe 'An option', :mfa_users do
  aws = Legion::Extensions::Identity::Aws
  policy = { 'Version' => '2012-10-17', 'Statement' => [{ 'Effect' => 'Allow', 'Action' => 's3:GetObject', 'Resource' => '*' }] }
  managed = %w[arn:aws:iam::aws:policy/ReadOnlyAccess arn:aws:iam::123456789012:policy/team/narrow]

  around { |example| with_env(local_aws.env_with_keys) { example.run } }

  def arrived(action) = asked_of_sts(action).last.fetch(:params)

  # The options of both AssumeRole and AssumeRoleWithWebIdentity.
  both = {
    role_session_name:          ['build-7', { 'RoleSessionName' => 'build-7' }],
    session_duration:           [900, { 'DurationSeconds' => '900' }],
    minimum_session_token_size: [1024, { 'MinimumSessionTokenSize' => '1024' }],
    policy:                     [JSON.generate(policy), { 'Policy' => JSON.generate(policy) }],
    policy_arns:                [managed, { 'PolicyArns.member.1.arn' => managed[0], 'PolicyArns.member.2.arn' => managed[1] }]
  }

  describe 'of AssumeRole:' do
    both.merge(
      external_id:         ['legion-7f3a:partner/42', { 'ExternalId' => 'legion-7f3a:partner/42' }],
      tags:                [{ 'cost center' => 'a+b@c', team: 'core' },
                            { 'Tags.member.1.Key' => 'cost center', 'Tags.member.1.Value' => 'a+b@c',
                              'Tags.member.2.Key' => 'team', 'Tags.member.2.Value' => 'core' }],
      transitive_tag_keys: [%w[team cost], { 'TransitiveTagKeys.member.1' => 'team', 'TransitiveTagKeys.member.2' => 'cost' }],
      source_identity:     ['dana@example.com', { 'SourceIdentity' => 'dana@example.com' }],
      provided_contexts:   [[{ provider_arn: 'arn:aws:iam::aws:contextProvider/IdentityCenter', context_assertion: 'eyJ-assertion' }],
                            { 'ProvidedContexts.member.1.ProviderArn'      => 'arn:aws:iam::aws:contextProvider/IdentityCenter',
                              'ProvidedContexts.member.1.ContextAssertion' => 'eyJ-assertion' }]
    ).each do |option, (value, params)|
      it "#{option} arrives" do
        options = option == :transitive_tag_keys ? { tags: { team: 'core', cost: '1' }, option => value } : { option => value }
        aws::Session.new(role_arn: MfaUsers::WORKER, **options).credentials
        expect(arrived('AssumeRole')).to include(params.merge('RoleArn' => MfaUsers::WORKER))
      end
    end

    it 'role_session_name has gem and machine where none is given' do
      aws::Session.new(role_arn: MfaUsers::WORKER).credentials
      expect(arrived('AssumeRole')['RoleSessionName']).to match(/\Alex-identity-aws-[\w=,.@-]+\z/)
    end

    it 'policy may be a Hash' do
      aws::Session.new(role_arn: MfaUsers::WORKER, policy: policy).credentials
      expect(JSON.parse(arrived('AssumeRole')['Policy'])).to eq(policy)
    end

    it 'tags may be a list of key and value' do
      aws::Session.new(role_arn: MfaUsers::WORKER, tags: [{ key: 'team', value: 'core' }]).credentials
      expect(arrived('AssumeRole')).to include('Tags.member.1.Key' => 'team', 'Tags.member.1.Value' => 'core')
    end

    it 'policy_arns may be a list of Hashes, as aws-sdk-ruby writes them' do
      aws::Session.new(role_arn: MfaUsers::WORKER, policy_arns: [{ arn: managed[0] }, managed[1]]).credentials
      expect(arrived('AssumeRole')).to include('PolicyArns.member.1.arn' => managed[0], 'PolicyArns.member.2.arn' => managed[1])
    end

    it 'a token_provider may do without the serial number' do
      codes = %w[111111 222222 333333]
      [-> { codes.shift }, proc { codes.shift }, Class.new { define_method(:call) { codes.shift } }.new].each do |provider|
        expect(mfa_session(provider).credentials).to be_set
      end
    end

    it 'that nothing takes is an error' do
      { policy: policy, external_id: 'x-1', serial_number: MfaUsers::DEVICE, session_duration: 900 }.each do |name, value|
        expect { aws::Session.new(name => value) }.to raise_error(aws::ConfigurationError, /\A#{name} is given/)
      end
    end

    it 'serial_number and token_provider arrive' do
      mfa_session(MfaUsers::CodeProvider.new).credentials
      expect(arrived('AssumeRole')).to include('SerialNumber' => MfaUsers::DEVICE, 'TokenCode' => '111111')
    end

    it 'serial_number may be that of a hardware device' do
      mfa_session(MfaUsers::CodeProvider.new, serial_number: 'GAHT12345678').credentials
      expect(arrived('AssumeRole')).to include('SerialNumber' => 'GAHT12345678')
    end

    it 'role_arn may be a list: each role is assumed from the one before, with its own options; plain options apply to the last' do
      session = aws::Session.new(role_arn: [{ role_arn: MfaUsers::WORKER, role_session_name: 'first', external_id: 'one' },
                                            'arn:aws:iam::123456789012:role/from-worker-only'],
                                 role_session_name: 'last', session_duration: 3600)
      expect(session.identity).to have_attributes(role: 'from-worker-only', session_name: 'last')
      first, last = asked_of_sts('AssumeRole').map { |request| request[:params] }
      expect(first).to include('RoleArn' => MfaUsers::WORKER, 'RoleSessionName' => 'first', 'ExternalId' => 'one').and exclude('DurationSeconds')
      expect(last).to include('RoleSessionName' => 'last', 'DurationSeconds' => '3600').and exclude('ExternalId')
    end

    it 'role_arn false assumes none, whatever the environment says' do
      with_env(local_aws.env_with_keys.merge('AWS_ROLE_ARN' => MfaUsers::WORKER)) do
        expect(aws::Session.new(role_arn: false).identity.kind).to eq(:user)
        expect(aws::Session.new.identity.role).to eq('legion-worker')
      end
    end

    it 'region and endpoint decide where the request goes and for which region it is signed' do
      with_env(local_aws.env_with_keys.merge('AWS_ENDPOINT_URL_STS' => nil)) do
        aws::Session.new(role_arn: MfaUsers::WORKER, region: 'eu-central-1', endpoint: local_aws.http).credentials
      end
      expect(asked_of_sts('AssumeRole').last[:region]).to eq('eu-central-1')
    end

    # As with botocore; the AWS SDK for Rust would sign for a host with both in it, and send none of them.
    it 'user and password of an endpoint are no part of what is signed' do
      with_env(local_aws.env_with_keys.merge('AWS_ENDPOINT_URL_STS' => nil)) do
        session = aws::Session.new(role_arn: MfaUsers::WORKER, endpoint: local_aws.http.sub('//', '//user:canary@'))
        expect(session.identity.role).to eq('legion-worker')
        expect(session.identity_token(audience: 'a').kind).to eq(:identity)
      end
    end

    it 'the other fields of the answer can be read' do
      session = aws::Session.new(role_arn: MfaUsers::WORKER, role_session_name: 'read', policy: policy, source_identity: 'dana')
      expect(session.credentials.details).to include(assumed_role_arn: 'arn:aws:sts::123456789012:assumed-role/legion-worker/read',
                                                     assumed_role_id: /:read\z/, source_identity: 'dana', packed_policy_size: /\A\d+\z/,
                                                     session_token_size: /\A\d+\z/, session_token_utilization: /\A\d+\z/)
      expect(session.credentials.account_id).to eq('123456789012')
    end
  end

  describe 'of AssumeRoleWithWebIdentity:' do
    around { |example| with_env(local_aws.env) { example.run } }

    let(:token) { local_aws.world.fetch('web_identity_tokens').keys.first }

    def web(**options) = MfaUsers::Aws::Session.new(role_arn: MfaUsers::IRSA_ROLE, web_identity_token: token, **options)

    both.each do |option, (value, params)|
      it "#{option} arrives" do
        web(option => value).credentials
        expect(arrived('AssumeRoleWithWebIdentity')).to include(params.merge('RoleArn' => MfaUsers::IRSA_ROLE, 'WebIdentityToken' => token))
      end
    end

    it 'provider_id arrives' do
      local_aws.world(web_identity_tokens: { 'Atza|an-access-token' => { roles: [MfaUsers::IRSA_ROLE], provider: 'www.amazon.com', audience: 'app',
                                                                         subject: 'amzn1.account.X', provider_id: 'www.amazon.com' } })
      web(web_identity_token: 'Atza|an-access-token', provider_id: 'www.amazon.com').credentials
      expect(arrived('AssumeRoleWithWebIdentity')).to include('ProviderId' => 'www.amazon.com')
    end

    it 'the token may come from a callable or a file' do
      web(web_identity_token: -> { token }).credentials
      file = Tempfile.create('token').tap { |open| open.write("#{token}\n") && open.flush }
      web(web_identity_token: nil, web_identity_token_file: file.path).credentials
      expect(asked_of_sts('AssumeRoleWithWebIdentity').map { |request| request[:params]['WebIdentityToken'] }).to eq([token, token])
    end

    it 'a role may be assumed on top' do
      expect(web(role_arn: [MfaUsers::IRSA_ROLE, MfaUsers::WORKER]).identity.role).to eq('legion-worker')
    end

    it 'the other fields of the answer can be read' do
      expect(web(policy: policy).credentials.details.keys).to include(:subject, :audience, :provider, :packed_policy_size, :assumed_role_arn, :assumed_role_id)
    end

    %i[tags transitive_tag_keys source_identity serial_number provided_contexts].each do |option|
      it "#{option} is refused: STS has no such parameter there" do
        value = { tags: { team: 'core' }, transitive_tag_keys: ['team'], source_identity: 'dana', serial_number: MfaUsers::DEVICE,
                  provided_contexts: [{ provider_arn: 'arn:aws:iam::aws:contextProvider/IdentityCenter', context_assertion: 'eyJ-assertion' }] }[option]
        expect { web(option => value).credentials }.to raise_error(aws::ConfigurationError, /#{option} is given, and a web identity has none/)
      end
    end
  end

  describe 'of GetSessionToken:' do
    it 'get_session_token sends it, without MFA' do
      held = aws::Session.new(get_session_token: true).credentials
      expect(held).to have_attributes(access_key_id: /\AASIA/, session_token: a_kind_of(String))
      expect(arrived('GetSessionToken').keys & %w[SerialNumber TokenCode]).to be_empty
    end

    it 'session_duration, serial_number and token_provider arrive' do
      aws::Session.new(get_session_token: true, session_duration: 129_600, serial_number: MfaUsers::DEVICE, token_provider: MfaUsers::CodeProvider.new).credentials
      expect(arrived('GetSessionToken')).to include('DurationSeconds' => '129600', 'SerialNumber' => MfaUsers::DEVICE, 'TokenCode' => '111111')
    end

    it 'a role may be assumed on top' do
      session = aws::Session.new(get_session_token: true, role_arn: MfaUsers::MFA_ROLE, serial_number: MfaUsers::DEVICE, token_provider: MfaUsers::CodeProvider.new)
      expect(session.identity.role).to eq('mfa-only')
      expect(asked_of_sts.map { |request| request[:params]['TokenCode'] }).to eq(['111111', nil, nil])
    end
  end

  describe 'in the environment or a file' do
    it 'AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME arrive' do
      with_env(local_aws.env_with_keys.merge('AWS_ROLE_ARN' => MfaUsers::WORKER, 'AWS_ROLE_SESSION_NAME' => 'from-env')) do
        expect(aws::Session.new.identity.session_name).to eq('from-env')
      end
    end

    it 'the role options of a profile arrive' do
      config = Tempfile.create('config').tap { |file| file.write(<<~INI) && file.flush }
        [profile worker]
        role_arn = #{MfaUsers::WORKER}
        credential_source = Environment
        role_session_name = from-profile
        duration_seconds = 1800
        external_id = legion-7f3a:partner/42
        region = eu-west-3
      INI
      with_env(local_aws.env_with_keys.merge('AWS_CONFIG_FILE' => config.path)) { aws::Session.new(profile: 'worker').credentials }
      expect(arrived('AssumeRole')).to include('RoleSessionName' => 'from-profile', 'DurationSeconds' => '1800', 'ExternalId' => 'legion-7f3a:partner/42')
      expect(asked_of_sts('AssumeRole').last[:region]).to eq('eu-west-3')
    end
  end

  it 'is checked before a request is sent, and the error names option, limit and value' do
    role = { role_arn: MfaUsers::WORKER }
    [
      [role.merge(session_duration: 60), /session_duration is 60 seconds; STS takes 900 to 43200/],
      [role.merge(session_duration: 129_600), /session_duration is 129600 seconds; STS takes 900 to 43200/],
      [{ get_session_token: true, session_duration: 129_601 }, /session_duration is 129601 seconds; STS takes 900 to 129600/],
      [role.merge(role_session_name: 'a b'), /role_session_name holds ' '/],
      [role.merge(external_id: 'x'), /external_id has 1 characters; STS takes 2 and more/],
      [role.merge(policy: 'no JSON'), /policy is not a JSON object/],
      [role.merge(minimum_session_token_size: 4097), /minimum_session_token_size is 4097 bytes; STS takes 0 to 4096/],
      [role.merge(policy_arns: [managed[0]] * 11), /policy_arns has 11 entries; STS takes at most 10/],
      [role.merge(policy_arns: ['arn:aws:s3:::bucket']), /policy_arns holds "arn:aws:s3:::bucket"/],
      [role.merge(tags: (1..51).to_h { |number| [number.to_s, 'x'] }), /tags has 51 entries; STS takes at most 50/],
      [role.merge(tags: { 'Team' => '1', 'team' => '2' }), /tags holds the key "team" twice/],
      [role.merge(source_identity: 'ä' * 3), /source_identity holds 'ä'/],
      [role.merge(serial_number: 'short'), /serial_number has 5 characters; STS takes 9 and more/],
      [{ role_arn: 'arn:aws:iam::1:role/x' }, %r{role_arn is "arn:aws:iam::1:role/x", which is not the ARN of a role}],
      [{ role_arn: [] }, /role_arn is an empty list/],
      [{ role_arn: [MfaUsers::WORKER, { role_arn: MfaUsers::WORKER, serial_number: MfaUsers::DEVICE }] }, /has the option "serial_number"/]
    ].each do |options, message|
      expect { aws::Session.new(**options).credentials }.to raise_error(aws::ConfigurationError, message), options.inspect
    end
    expect(asked_of_sts).to be_empty
  end

  it 'is in the report of the settings with where it comes from, a secret as "set"' do
    options = { role_arn: MfaUsers::WORKER, external_id: 'canary', source_identity: 'dana', tags: { team: 'core', cost: 1 }, policy: policy,
                transitive_tag_keys: %w[team cost], policy_arns: managed, serial_number: MfaUsers::DEVICE, token_provider: -> { 'canary' },
                provided_contexts: [{ provider_arn: 'arn:aws:iam::aws:contextProvider/IdentityCenter', context_assertion: 'canary' }],
                advisory_window: 60, cache: '/nowhere', get_session_token: false }
    settings = aws::Session.new(**options).settings
    expect(settings.transform_values { |setting| setting[:value] }).to include(
      external_id: 'set', source_identity: 'dana', tags: 'cost=1, team=core', transitive_tag_keys: 'team, cost', policy_arns: managed.join(', '),
      serial_number: MfaUsers::DEVICE, token_provider: 'set', provided_contexts: 'set', advisory_window: 60.0, cache: '/nowhere',
      get_session_token: false, policy: a_string_including('s3:GetObject')
    )
    expect(settings.values_at(*options.keys).map { |setting| setting[:origin] }).to all eq('option')
    expect(settings.inspect).not_to include('canary')
    expect(settings).not_to include(:provider_id, :web_identity_token, :source)
  end

  it 'is listed in docs/options.md' do
    document = File.read(File.expand_path('../../docs/options.md', __dir__))
    words = File.read(File.expand_path('../../ext/aws_identity/src/config/options.rs', __dir__)).scan(/^\s+option\("(\w+)"/).flatten
    expect(words.size).to be > 25
    expect(words.reject { |word| document.include?("`#{word}`") || document.include?("`#{word}:`") }).to eq([])
  end

  it 'refuses a time-out that is no number, which it must not take for absent' do
    %i[resolve_timeout connect_timeout read_timeout process_timeout token_timeout advisory_window negative_ttl].each do |name|
      [Float::NAN, Float::INFINITY, -Float::INFINITY].each do |given|
        expect { aws::Session.new(name => given) }.to raise_error(aws::ConfigurationError, /#{name}.*(NaN|inf)/)
      end
    end
  end
end
