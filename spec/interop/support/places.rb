# frozen_string_literal: true

require_relative 'place'

# What people report from EC2, ECS and EKS, as set-ups. A word of `says` stands in our failure.
module Places
  module_function

  def rule(service, action, times: nil, **answer) = { service: service, action: action, times: times, answer: answer }.compact

  def error(status, code = 'InternalFailure', message = 'because') = { error: { status: status, code: code, message: message } }

  def text(status, text) = { body: { status: status, content_type: 'text/plain', text: text } }

  ROLE = 'AssumeRoleWithWebIdentity'
  SLOW = { 'AWS_METADATA_SERVICE_TIMEOUT' => '5', 'AWS_METADATA_SERVICE_NUM_ATTEMPTS' => '3' }.freeze
  private_constant :ROLE, :SLOW

  CONTAINERS = [
    ['the Pod Identity Agent is up 1.5 s later', 'aws/eks-pod-identity-agent#159', { env: Place::POD, listen: { '169.254.170.23:80' => 1.5 } }],
    ['the agent is up 2.6 s later', nil, { env: Place::POD, listen: { '169.254.170.23:80' => 2.6 } }],
    ['the agent is throttled twice', 'aws/eks-pod-identity-agent#50',
     { env: Place::POD, listen: Place::AGENT, rules: [rule(:container, 'GetCredentials', times: 2, **error(429))] }],
    ['the agent answers 403 while it restarts', 'nginx/nginx-s3-gateway#537',
     { env: Place::POD, listen: Place::AGENT, rules: [rule(:container, 'GetCredentials', times: 1, **text(403, '(AccessDeniedException)'))] }],
    ['a service mesh answers the agent\'s 503 once', nil,
     { env: Place::POD, listen: Place::AGENT, rules: [rule(:container, 'GetCredentials', times: 1, **text(503, 'upstream connect error'))] }],
    ['the agent resets the first connection', nil,
     { env: Place::POD, listen: Place::AGENT, rules: [{ service: :container, action: 'GetCredentials', times: 1, answer: 'reset' }] }],
    ['the service account\'s token has expired', 'boto/botocore#3480',
     { env: Place::POD, listen: Place::AGENT, says: 'token is expired',
       rules: [rule(:container, 'GetCredentials', **text(400, 'Service account token failed basic claim validations: token is expired'))] }],
    ['the agent writes +0000', 'JuliaCloud/AWS.jl#771',
     { env: Place::POD, listen: Place::AGENT,
       rules: [rule(:container, 'GetCredentials',
                    **text(200, '{"AccessKeyId":"ASIAX","SecretAccessKey":"s","Token":"t","Expiration":"2036-11-28T18:54:12+0000"}'))] }],
    ['the endpoint begins with HTTP://', nil,
     { env: Place::POD.merge('AWS_CONTAINER_CREDENTIALS_FULL_URI' => 'HTTP://169.254.170.23/v1/credentials'), listen: Place::AGENT }]
  ].freeze

  STS = [
    ['STS throttles the first request', 'aws/aws-sdk-go-v2#2544',
     { env: Place::IRSA, listen: Place::STS, rules: [rule(:sts, ROLE, times: 1, **error(400, 'Throttling', 'Rate exceeded'))] }],
    ['AWS cannot reach the identity provider, twice', 'apache/opendal-reqsign#65',
     { env: Place::IRSA, listen: Place::STS, rules: [rule(:sts, ROLE, times: 2, **error(400, 'IDPCommunicationError'))] }],
    ['AWS has no key of the provider once', 'awslabs/aws-sdk-rust#827',
     { env: Place::IRSA, listen: Place::STS,
       rules: [rule(:sts, ROLE, times: 1, **error(400, 'InvalidIdentityToken', "Couldn't retrieve verification key from your identity provider"))] }],
    ['the sidecar that carries STS is up 1.5 s later', 'istio/istio#4341', { env: Place::IRSA, listen: { '10.99.0.1:443' => 1.5 } }],
    ['STS answers 500 twice', nil, { env: Place::IRSA, listen: Place::STS, rules: [rule(:sts, ROLE, times: 2, **error(500))] }],
    ['STS answers 500 twice, AWS_MAX_ATTEMPTS=1', nil,
     { env: Place::IRSA.merge('AWS_MAX_ATTEMPTS' => '1'), listen: Place::STS, says: 'InternalFailure', rules: [rule(:sts, ROLE, times: 2, **error(500))] }],
    ['STS refuses the token', nil,
     { env: Place::IRSA, listen: Place::STS, says: 'AccessDenied', rules: [rule(:sts, ROLE, **error(403, 'AccessDenied'))] }],
    ['FIPS where there is no such endpoint', 'kubernetes-sigs/aws-ebs-csi-driver#2451',
     { env:  Place::IRSA.merge('AWS_REGION' => 'eu-west-1', 'AWS_DEFAULT_REGION' => 'eu-west-1', 'AWS_USE_FIPS_ENDPOINT' => 'true'),
       says: 'AWS_USE_FIPS_ENDPOINT' }]
  ].freeze

  METADATA = [
    ['IMDS takes 1.2 s for an answer, with the two variables', 'vectordotdev/vector#14671',
     { env: Place::REGION.merge(SLOW), listen: Place::IMDS, ec2: true, rules: [{ service: :imds, delay_ms: 1200 }] }],
    ['IMDS has lost its token', 'aws/aws-sdk-java-v2#5764',
     { env: Place::REGION, listen: Place::IMDS, ec2: true, rules: [rule(:imds, 'Credentials', times: 1, **error(401))] }],
    ['IMDS resets the first connection', nil,
     { env: Place::REGION, listen: Place::IMDS, ec2: true, rules: [{ service: :imds, action: 'Token', times: 1, answer: 'reset' }] }],
    ['kiam is up 1.5 s later', nil, { env: Place::REGION, listen: { '169.254.169.254:80' => 1.5 }, ec2: true }],
    ['IMDS is turned off on EC2', nil,
     { env: Place::REGION, listen: Place::IMDS, ec2: true, says: '--http-endpoint enabled', rules: [rule(:imds, 'Token', **error(403))] }],
    ['IMDS is silent on EC2', nil, { env: Place::REGION, silent: ['169.254.169.254'], ec2: true, says: 'HttpPutResponseHopLimit' }],
    ['off AWS, no answer', nil, { env: Place::REGION, silent: ['169.254.169.254'], says: 'does not look like AWS' }],
    ['off AWS, refused', nil, { env: Place::REGION, says: 'does not look like AWS' }]
  ].freeze

  # Longer than our place may take off AWS.
  QUICK = { 'off AWS, no answer' => 1.5, 'off AWS, refused' => 0.2 }.freeze

  def all
    (CONTAINERS + STS + METADATA).map { |name, report, what| [Place.new(name, report: report, **what.except(:says)), what[:says]] }
  end
end
