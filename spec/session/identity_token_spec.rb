# frozen_string_literal: true

require 'base64'
require 'net/http'
require 'openssl'

RSpec.describe 'Session#identity_token' do
  aws = Legion::Extensions::Identity::Aws
  worker = 'arn:aws:iam::123456789012:role/legion-worker'

  around { |example| with_env({ **local_aws.env_with_keys, 'AWS_REGION' => 'eu-west-1' }) { example.run } }

  let(:session) { aws::Session.new }

  def asked = local_aws.requests(service: :sts).count { |request| request[:action] == 'GetWebIdentityToken' }

  def fail_with(code, status: 403, **rule, &block)
    local_aws.rule(service: :sts, action: 'GetWebIdentityToken', answer: { error: { status: status, code: code, message: 'no' } }, **rule, &block)
  end

  def decoded(part) = JSON.parse(Base64.urlsafe_decode64(part))

  def number(text) = OpenSSL::BN.new(Base64.urlsafe_decode64(text), 2)

  # A public key from its JSON Web Key, made by OpenSSL.
  def public_key(key)
    if key['kty'] == 'RSA'
      sequence = [number(key['n']), number(key['e'])].map { |part| OpenSSL::ASN1::Integer(part) }
      return OpenSSL::PKey::RSA.new(OpenSSL::ASN1::Sequence(sequence).to_der)
    end
    point = "\x04#{Base64.urlsafe_decode64(key['x'])}#{Base64.urlsafe_decode64(key['y'])}"
    kind = OpenSSL::ASN1::Sequence([OpenSSL::ASN1::ObjectId('id-ecPublicKey'), OpenSSL::ASN1::ObjectId('secp384r1')])
    OpenSSL::PKey::EC.new(OpenSSL::ASN1::Sequence([kind, OpenSSL::ASN1::BitString(point)]).to_der)
  end

  # The claims of a token whose signature OpenSSL finds good, with the key that its issuer publishes.
  def verified(token)
    header, claims, signature = token.split('.')
    issuer = JSON.parse(Net::HTTP.get(URI("#{decoded(claims)['iss']}/.well-known/openid-configuration")))
    keys = JSON.parse(Net::HTTP.get(URI(issuer['jwks_uri']))).fetch('keys')
    key = public_key(keys.find { |each| each['kid'] == decoded(header)['kid'] })
    signature = Base64.urlsafe_decode64(signature)
    if key.is_a?(OpenSSL::PKey::EC)
      halves = signature.unpack('a48a48').map { |half| OpenSSL::ASN1::Integer(OpenSSL::BN.new(half, 2)) }
      signature = OpenSSL::ASN1::Sequence(halves).to_der
    end
    digest = decoded(header)['alg'] == 'RS256' ? 'SHA256' : 'SHA384'
    expect(key.verify(digest, signature, "#{header}.#{claims}")).to be(true)
    decoded(claims)
  end

  it 'is a JSON Web Token that OpenSSL can verify with the keys of its issuer' do
    session = aws::Session.new(role_arn: worker)
    %w[RS256 ES384].each do |algorithm|
      token = session.identity_token(audience: 'https://vault.example', signing_algorithm: algorithm, tags: { team: 'a' })
      claims = verified(token.token)
      expect(claims).to include('sub' => worker, 'aud' => 'https://vault.example')
      expect(claims.dig('https://sts.amazonaws.com/', 'request_tags')).to eq('team' => 'a')
      expect(token).to have_attributes(kind: :identity, expired?: false, expiration: Time.at(claims['exp']).utc)
      expect(token.expiration).to be_within(10).of(Time.now + 300)
    end
  end

  it 'is asked for once for each request, whatever the order of the audiences' do
    first = session.identity_token(audience: %w[a b])
    again = Array.new(5) { Thread.new { session.identity_token(audience: %w[b a]) } }.map(&:value)
    expect(again.map(&:token).uniq).to eq([first.token])
    expect(session.identity_token(audience: 'a').token).not_to eq(first.token)
    expect(asked).to eq(2)
  end

  it 'is one request in flight for all threads' do
    tokens = Array.new(10) { Thread.new { session.identity_token(audience: 'a') } }.map { |thread| thread.value.token }
    expect(tokens.uniq.size).to eq(1)
    expect(asked).to eq(1)
  end

  it 'lasts no longer than the credentials' do
    local_aws.rule(service: :sts, action: 'AssumeRole', lifetime_seconds: 200) do
      token = aws::Session.new(role_arn: worker).identity_token(audience: 'a', duration_seconds: 3600)
      expect(token.expiration).to be_within(10).of(Time.now + 200)
    end
  end

  it 'is dropped by invalidate, by forget_identity and in a forked child' do
    tokens = [session.identity_token(audience: 'a').token]
    session.forget_identity
    tokens << session.identity_token(audience: 'a').token
    session.invalidate(session.credentials.access_key_id)
    tokens << session.identity_token(audience: 'a').token
    reader, writer = IO.pipe
    Process.wait(fork { writer.write(session.identity_token(audience: 'a').token) && exit!(0) })
    writer.close
    tokens << reader.read
    expect(tokens.uniq.size).to eq(4)
  end

  it 'remembers a refusal, and says what would help' do
    fail_with('OutboundWebIdentityFederationDisabledException') do
      2.times do
        expect { session.identity_token(audience: 'a') }
          .to raise_error(aws::AccessDeniedError, /aws iam enable-outbound-web-identity-federation/)
      end
      expect(asked).to eq(1)
    end
    fail_with('AccessDenied') do
      expect { session.identity_token(audience: 'b') }.to raise_error(aws::AccessDeniedError, /"Action":"sts:GetWebIdentityToken","Resource"/)
      expect { session.identity_token(audience: 'b', tags: { a: 'b' }) }.to raise_error(aws::AccessDeniedError, /sts:TagGetWebIdentityToken/)
    end
  end

  it 'refuses what STS does not take' do
    expect { session.identity_token(audience: []) }.to raise_error(ArgumentError, /audience has 0 names/)
    expect { session.identity_token(audience: 'a', duration_seconds: 59) }.to raise_error(ArgumentError, /60 to 3600/)
    expect { session.identity_token(audience: 'a', signing_algorithm: 'HS256') }.to raise_error(ArgumentError, /RS256 or ES384/)
    expect { session.identity_token }.to raise_error(ArgumentError, /audience/)
    cases = {
      { audience: nil } => /audience has 0 names/, { audience: 5 } => /a list of texts/, { audience: { a: 1 } } => /a list of texts/,
      { audience: 'a', duration_seconds: 'soon' } => /Integer from 60 to 3600/, { audience: 'a', duration_seconds: 2**70 } => /Integer from 60/,
      { audience: 'a', signing_algorithm: 5 } => /a text/, { audience: 'a', tags: 'team=x' } => /texts by name/,
      { audience: 'a', tags: { team: 5 } } => /texts by name/, { audience: 'a', tags: { 'a;b' => 'x' } } => /tags/
    }
    cases.each do |words, said|
      expect { session.identity_token(**words) }.to raise_error(ArgumentError, said)
    end
    expect(asked).to eq(0)
  end

  it 'takes texts as settings have them' do
    token = session.identity_token(audience: :a, duration_seconds: '900', signing_algorithm: :ES384, tags: { team: :data })
    expect(token.expiration).to be_within(10).of(Time.now + 900)
    expect(session.identity_token(audience: 'a', duration_seconds: 900, signing_algorithm: 'ES384', tags: { 'team' => 'data' }).token).to eq(token.token)
  end
end
