# frozen_string_literal: true

RSpec.describe 'Session#scoped' do
  aws = Legion::Extensions::Identity::Aws
  worker = 'arn:aws:iam::123456789012:role/legion-worker'
  policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] }

  around { |example| with_env({ **local_aws.env_with_keys, 'AWS_REGION' => 'eu-west-1' }) { example.run } }

  let(:session) { aws::Session.new(role_arn: worker) }

  def asked = local_aws.requests(service: :sts, action: 'GetScopedCredentials')

  def assumed = local_aws.requests(service: :sts, action: 'AssumeRole').size

  it 'is the same identity under another key, with the policy and no more time' do
    scoped = session.scoped(policy: policy, description: 'night job')
    expect(local_aws.requests).to be_empty
    expect(scoped.identity).to have_attributes(role: 'legion-worker', arn: session.identity.arn)
    expect(scoped.credentials.access_key_id).not_to eq(session.credentials.access_key_id)
    expect(scoped.credentials).to have_attributes(expiration: session.expiration, source: 'source > scope', region: 'eu-west-1')
    expect(scoped.credentials.details).to include(scoped_policies_count: '1')
    expect(asked.size).to eq(1)
    sent = asked.first[:params]
    expect(JSON.parse(sent.delete('Policy'), symbolize_names: true)).to eq(policy)
    expect(sent).to eq('Action' => 'GetScopedCredentials', 'Version' => '2011-06-15', 'ScopedSessionDescription' => 'night job')
    expect(asked.first[:region]).to eq('eu-west-1')
  end

  it 'takes its endpoint and time-outs from the session, and no role of the environment or the settings' do
    parent = aws::Session.new(role_arn: worker, resolve_timeout: 3, endpoint: local_aws.http)
    with_env('AWS_ENDPOINT_URL_STS' => nil, 'AWS_ROLE_ARN' => 'arn:aws:iam::123456789012:role/other') do
      scoped = parent.scoped(policy: JSON.generate(policy), duration_seconds: 900)
      expect(scoped.settings).to include(resolve_timeout: a_hash_including(value: 3.0), role_arn: a_hash_including(value: false),
                                         scope_duration: a_hash_including(value: 900))
      expect(scoped.identity.role).to eq('legion-worker')
      expect(scoped.expiration).to be_within(10).of(Time.now + 900)
    end
  end

  it 'has the session refreshed where both end together, which several share' do
    scoped = Array.new(2) { session.scoped(policy: policy) }
    before = scoped.map { |each| each.credentials.access_key_id }
    expect([assumed, asked.size]).to eq([1, 2])
    scoped.each { |each| each.invalidate(each.credentials.access_key_id) }
    after = scoped.map { |each| each.credentials.access_key_id }
    expect((before + after).uniq.size).to eq(4)
    expect([assumed, asked.size]).to eq([2, 4])
    expect(scoped.map(&:expiration)).to all(eq(session.expiration))
  end

  it 'asks again with the same credentials of the session once its own duration has ended' do
    scoped = session.scoped(policy: policy, duration_seconds: 1)
    first = scoped.credentials
    sleep [first.expiration - Time.now, 0].max
    expect(scoped.credentials.access_key_id).not_to eq(first.access_key_id)
    expect([assumed, asked.size]).to eq([1, 2])
  end

  it 'serves on what it holds while the session cannot be refreshed' do
    scoped = session.scoped(policy: policy)
    held = scoped.credentials.access_key_id
    local_aws.rule(service: :sts, action: 'AssumeRole', answer: { error: { status: 400, code: 'Throttled', message: 'no' } }) do
      expect { scoped.refresh! }.to raise_error(aws::Error)
      expect(scoped.credentials).to have_attributes(access_key_id: held, degraded: a_kind_of(String))
    end
    expect(asked.size).to eq(1)
  end

  it 'can be scoped three times and assume a role' do
    third = session.scoped(policy: policy).scoped(policy: policy).scoped(policy: policy)
    expect(third.identity.role).to eq('legion-worker')
    expect { third.scoped(policy: policy).credentials }.to raise_error(aws::ConfigurationError, /3 times/)
    expect(asked.size).to eq(3)
    role = session.scoped(policy: policy).assume_role(role_arn: 'arn:aws:iam::123456789012:role/from-worker-only')
    expect(role.identity.role).to eq('from-worker-only')
  end

  it 'is refused to keys of a user, which get_session_token makes temporary' do
    expect { aws::Session.new.scoped(policy: policy).credentials }.to raise_error(aws::ConfigurationError, /get_session_token: true/)
    expect(aws::Session.new(get_session_token: true).scoped(policy: policy).identity.arn).to end_with(':user/demo')
  end

  it 'is never made without a policy' do
    [nil, '', ' ', [], 1].each { |given| expect { session.scoped(policy: given) }.to raise_error(ArgumentError, /takes an IAM policy/) }
    expect { session.scoped(policy: 'no json') }.to raise_error(aws::ConfigurationError, /scope_policy is not a JSON object/)
    expect { session.scoped(policy: policy, duration_seconds: 0) }.to raise_error(aws::ConfigurationError, /1 to 129600/)
    expect { aws::Session.new(scope_policy: policy) }.to raise_error(aws::ConfigurationError, /session\.scoped/)
    expect { session.assume_role(role_arn: worker, scope_policy: policy) }.to raise_error(aws::ConfigurationError, /role_arn is given beside scope_policy/)
  end
end
