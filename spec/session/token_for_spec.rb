# frozen_string_literal: true

require 'yaml'

RSpec.describe 'Session#token_for' do
  aws = Legion::Extensions::Identity::Aws

  around { |example| with_env({ **local_aws.env_with_keys, 'AWS_REGION' => 'eu-west-1' }) { example.run } }

  let(:session) { aws::Session.new }

  it 'gives a token for each kind of system, and sends no request for it' do
    session.credentials
    before = local_aws.requests.size
    tokens = { eks: { cluster: 'c' }, rds: { host: 'db.example', port: 5432, user: 'app' }, dsql: { host: 'h.example' },
               elasticache: { name: 'c', user: 'u' }, memorydb: { name: 'c', user: 'u' }, msk: {}, bedrock: {} }
             .map { |kind, words| session.token_for(kind, **words) }
    expect(tokens.map(&:kind)).to eq(%i[eks rds dsql elasticache memorydb msk bedrock])
    expect(tokens.map(&:token)).to all(match(/\A[!-~]+\z/))
    expect(tokens.map(&:expiration)).to all(be_within(70).of(Time.now + 900).or(be_within(5).of(Time.now + 43_200)))
    expect(local_aws.requests.size).to eq(before)
  end

  it 'signs for the region of the session, or for the one that is given' do
    expect(session.token_for(:rds, host: 'h', port: 1, user: 'u').token).to include('%2Feu-west-1%2Frds-db%2F')
    expect(session.token_for('rds', region: :'us-west-2', host: 'h', port: '1', user: 'u').token).to include('%2Fus-west-2%2Frds-db%2F')
    expect(session.token_for('rds', region: 'us-west-2', host: 'h', port: 1, user: 'u').token).to include('%2Fus-west-2%2Frds-db%2F')
  end

  it 'takes a region as an option takes it' do
    url = ->(region) { session.token_for(:eks, cluster: 'c', region: region).token.delete_prefix('k8s-aws-v1.').tr('-_', '+/').unpack1('m') }
    expect(url['fips-us-east-1']).to start_with('https://sts-fips.us-east-1.amazonaws.com/').and include('%2Fus-east-1%2Fsts%2F')
    [nil, '', ' '].each { |blank| expect(url[blank]).to start_with('https://sts.eu-west-1.amazonaws.com/') }
    expect(url[' us-gov-west-1 ']).to start_with('https://sts.us-gov-west-1.amazonaws.com/')
    expect { url['x/y'] }.to raise_error(aws::ConfigurationError, /not the name of a region/)
  end

  it 'signs for the FIPS host where the switch says so, and never for that of dual stack nor for an endpoint' do
    with_env(**local_aws.env_with_keys, 'AWS_REGION' => 'eu-west-1', 'AWS_USE_FIPS_ENDPOINT' => 'true', 'AWS_USE_DUALSTACK_ENDPOINT' => 'true') do
      token = aws::Session.new(endpoint: 'http://127.0.0.1:1').token_for(:eks, cluster: 'c').token
      expect(token.delete_prefix('k8s-aws-v1.').tr('-_', '+/').unpack1('m')).to start_with('https://sts-fips.eu-west-1.amazonaws.com/')
    end
  end

  it 'says what is wrong with the words' do
    expect { session.token_for(:esk) }.to raise_error(ArgumentError, /no token of kind "esk"\. Did you mean/)
    expect { session.token_for(:identity, audience: 'a') }.to raise_error(ArgumentError, /AWS signs it\. Ask identity_token/)
    expect { session.token_for(:eks) }.to raise_error(ArgumentError, /needs cluster/)
    expect { session.token_for(:rds, host: 'h', prot: 1, user: 'u') }.to raise_error(ArgumentError, /takes no "prot"/)
  end

  it 'says so before it asks for credentials' do
    with_env('AWS_ACCESS_KEY_ID' => nil, 'AWS_SECRET_ACCESS_KEY' => nil, 'AWS_EC2_METADATA_DISABLED' => 'true') do
      expect { session.token_for(:esk) }.to raise_error(ArgumentError, /Did you mean msk/)
      expect { session.token_for(:rds, host: 'h') }.to raise_error(ArgumentError, /needs port and user/)
      expect { session.identity_token(audience: 'a', duration_seconds: 1) }.to raise_error(ArgumentError, /60 to 3600/)
      expect { session.token_for(:msk) }.to raise_error(aws::NotOnAwsError)
    end
  end

  it 'shows no secret of a token' do
    token = session.token_for(:rds, host: 'h', port: 1, user: 'u')
    expect([token.inspect, token.to_s, "#{token}"]).to all(eq(token.inspect).and(satisfy { |text| !text.include?('X-Amz') })) # rubocop:disable Style/RedundantInterpolation -- what an interpolation shows
    expect(token).not_to respond_to(:to_str)
    expect(token).to be_frozen
    expect(token.expired?).to be(false)
    expect { Marshal.dump(token) }.to raise_error(TypeError)
    expect { YAML.dump(token) }.to raise_error(TypeError)
  end

  it 'refreshes credentials first that have less than a minute left' do
    keys = Struct.new(:access_key_id, :secret_access_key, :session_token)
    source = Struct.new(:credentials, :expiration).new(keys.new('ASIASHORT0000000', 'secret', 'token'), Time.now + 6)
    session = aws::Session.new(source: source)
    expect(session.token_for(:msk).expiration).to be_within(5).of(source.expiration)
    source.credentials = keys.new('ASIALONG00000000', 'secret', 'token')
    source.expiration = Time.now + 3600
    sleep 3.5 # the advisory window is half of so short a life
    expect(session.token_for(:msk).expiration).to be_within(10).of(Time.now + 900)
    expect(session.credentials.access_key_id).to eq('ASIALONG00000000')
  end
end
