# frozen_string_literal: true

# Where nothing but IMDS says the region, what is made of the session has it too.
RSpec.describe 'The region that IMDS reports' do
  aws = Legion::Extensions::Identity::Aws
  region = 'ap-south-1'

  around { |example| with_env(local_aws.env.merge('AWS_REGION' => nil, 'AWS_DEFAULT_REGION' => nil)) { example.run } }

  before { local_aws.world(imds: { region: region }) }

  it 'is in the environment of a child process and in presigned tokens' do
    session = aws::Session.new
    expect(session.env).to include('AWS_REGION' => region, 'AWS_DEFAULT_REGION' => region)
    expect(session.token_for(:rds, host: 'db', port: 5432, user: 'app').token).to include("%2F#{region}%2Frds-db")
  end

  it 'is that of presigned tokens before any credentials were read' do
    expect(aws::Session.new.token_for(:rds, host: 'db', port: 5432, user: 'app').token).to include("%2F#{region}%2Frds-db")
  end

  children = {
    'a session that has it as its source' => ->(session) { aws::Session.new(source: session) },
    'a session that has its credentials'  => ->(session) { aws::Session.new(source: session.credentials) },
    'a scoped session'                    => lambda { |session|
      session.scoped(policy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] })
    },
    'a role on top of it'                 => ->(session) { session.assume_role(role_arn: 'arn:aws:iam::123456789012:role/legion-worker') }
  }
  children.each do |name, made_of|
    it "is that of #{name}" do
      child = made_of.call(aws::Session.new)
      expect(child.credentials.region).to eq(region)
      expect(child.env).to include('AWS_REGION' => region, 'AWS_DEFAULT_REGION' => region)
      expect(child.token_for(:rds, host: 'db', port: 5432, user: 'app').token).to include("%2F#{region}%2Frds-db")
    end
  end

  it 'is that of none that has a region of its own' do
    child = aws::Session.new.assume_role(role_arn: 'arn:aws:iam::123456789012:role/legion-worker', region: 'eu-west-1')
    expect(child.credentials.region).to eq('eu-west-1')
    expect(local_aws.requests(service: :sts).map { |request| request[:region] }).to eq(%w[eu-west-1])
  end
end
