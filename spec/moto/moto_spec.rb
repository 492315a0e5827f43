# frozen_string_literal: true

require 'aws-sdk-core'
require 'support/moto'
require 'tmpdir'

# An independent implementation of STS, which checks our signatures, and another SDK, which must get the same answer in the same
# environment.
RSpec.describe Legion::Extensions::Identity::Aws::Session, timeout: 120 do
  before(:all) { @moto = Moto.start }
  after(:all) { @moto&.stop }

  attr_reader :moto

  around { |example| Dir.mktmpdir { |folder| (@folder = folder) && example.run } }

  def file(name, text)
    File.join(@folder, name).tap { |path| File.write(path, text) }
  end

  def ours(**options)
    identity = described_class.new(**options).identity
    { 'account' => identity.account, 'arn' => identity.arn, 'user_id' => identity.user_id }
  end

  def profiles
    { 'AWS_ACCESS_KEY_ID'           => nil,
      'AWS_SECRET_ACCESS_KEY'       => nil,
      'AWS_SHARED_CREDENTIALS_FILE' => file('credentials', <<~INI),
        [base]
        aws_access_key_id = #{moto.key}
        aws_secret_access_key = #{moto.secret}
      INI
      'AWS_CONFIG_FILE'             => file('config', <<~INI) }
        [profile worker]
        role_arn = #{moto.role}
        role_session_name = compared
        source_profile = base
      INI
  end

  it 'is the user that boto3 is with the same keys' do
    with_env(moto.env) do
      expect(ours).to eq(moto.boto3_identity)
      expect(ours['arn']).to end_with(':user/machines/legion')
    end
  end

  it 'is the user that boto3 is with the same profile' do
    with_env(moto.env.merge(profiles, 'AWS_PROFILE' => 'base')) { expect(ours).to eq(moto.boto3_identity) }
  end

  it 'is the role session that boto3 is with the same profile' do
    with_env(moto.env.merge(profiles, 'AWS_PROFILE' => 'worker')) do
      # Each has a session of its own; the id of the role and the names must be the same.
      expect(ours).to eq(moto.boto3_identity)
      expect(ours['arn']).to end_with(':assumed-role/worker/compared')
    end
  end

  it 'is the role session that boto3 is with the same web identity token' do
    environment = { 'AWS_ACCESS_KEY_ID' => nil, 'AWS_SECRET_ACCESS_KEY' => nil, 'AWS_ROLE_ARN' => moto.role,
                    'AWS_ROLE_SESSION_NAME' => 'compared', 'AWS_WEB_IDENTITY_TOKEN_FILE' => file('token', 'header.claims.signature') }
    moto.without_checks { with_env(moto.env.merge(environment)) { expect(ours).to eq(moto.boto3_identity) } }
  end

  it 'assumes a role on top of the keys' do
    with_env(moto.env) do
      expect(ours(role_arn: moto.role, role_session_name: 'ours')['arn']).to end_with(':assumed-role/worker/ours')
    end
  end

  it 'is refused where boto3 is refused: moto does check signatures' do
    with_env(moto.env.merge('AWS_SECRET_ACCESS_KEY' => moto.secret.reverse)) do
      expect(moto.boto3_identity).to eq('error' => 'SignatureDoesNotMatch')
      # moto sends the code in EC2's format and not in STS's; it is a refusal nevertheless.
      expect { ours }.to raise_error(Legion::Extensions::Identity::Aws::AccessDeniedError) { |error| expect(error.status).to eq(403) }
    end
  end

  it 'signs requests of aws-sdk-ruby, as credentials and as a provider' do
    with_env(moto.env) do
      session = described_class.new(role_arn: moto.role, role_session_name: 'sdk')
      [session, session.credentials, Legion::Extensions::Identity::Aws::Identity.current_credentials].each do |credentials|
        client = Aws::STS::Client.new(credentials: credentials, endpoint: moto.endpoint, region: 'us-east-1')
        expect(client.get_caller_identity.account).to eq(session.identity.account)
      end
    end
  end
end
