# frozen_string_literal: true

begin
  require 'aws-sdk-core'
rescue LoadError
  # the examples below say that they did not run
end

RSpec.describe 'aws-sdk-ruby' do
  aws = Legion::Extensions::Identity::Aws
  worker = 'arn:aws:iam::123456789012:role/legion-worker'

  before { skip 'aws-sdk-core is not installed here' unless defined?(Aws::STS::Client) }

  around { |example| with_env(local_aws.env_with_keys) { example.run } }

  def client(credentials) = Aws::STS::Client.new(region: 'us-east-1', endpoint: local_aws.http, credentials: credentials)

  let(:session) { aws::Session.new(role_arn: worker, role_session_name: 'spec') }

  it 'signs with Credentials, a Session, and the current credentials' do
    expect(client(session.credentials).get_caller_identity.arn).to end_with('assumed-role/legion-worker/spec')
    expect(client(session).get_caller_identity.arn).to end_with('assumed-role/legion-worker/spec')
    refreshing = aws::LegionIO::Provider.new(role_arn: worker, role_session_name: 'refreshing').current_credentials
    expect(client(refreshing).get_caller_identity.arn).to end_with('assumed-role/legion-worker/refreshing')
  end

  it 'presigns with a Session' do
    url = Aws::STS::Presigner.new(client: client(session)).get_caller_identity_presigned_url(headers: {})
    expect(url).to include('X-Amz-Signature', session.credentials.access_key_id)
  end

  it 'follows a refresh' do
    followed = client(session)
    followed.get_caller_identity
    session.refresh!
    followed.get_caller_identity
    keys = local_aws.requests(service: :sts, action: 'GetCallerIdentity').map { |request| request[:access_key_id] }
    expect(keys.uniq.size).to eq(2)
  end

  it 'fetches new credentials by itself when a service calls the key expired' do
    expired = session.credentials.access_key_id
    local_aws.rule(service: :sts, action: 'GetCallerIdentity', access_key_id: expired,
                   answer: { error: { status: 400, code: 'ExpiredToken', message: 'expired' } })
    expect(client(session).get_caller_identity.arn).to end_with('assumed-role/legion-worker/spec')
    expect(session.credentials.access_key_id).not_to eq(expired)
  end
end
