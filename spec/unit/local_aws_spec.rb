# frozen_string_literal: true

require 'logger'
require 'stringio'

# The Ruby face with nothing in between: the native library, and a local AWS that checks each signature.
RSpec.describe 'The Ruby API' do
  aws = Legion::Extensions::Identity::Aws
  worker = 'arn:aws:iam::123456789012:role/legion-worker'
  demo = 'arn:aws:iam::123456789012:user/demo'

  let(:log) { StringIO.new }
  let(:provider) { aws::LegionIO::Provider.new }

  before { aws.logger = Logger.new(log) }
  after { aws.logger = nil }

  def questions(action = nil) = local_aws.requests(service: :sts, **{ action: action }.compact).size

  def warnings = log.string.lines.grep(/WARN/)

  def sts(answer, **rule, &block) = local_aws.rule(service: :sts, **rule, answer: answer, &block)

  outage = { error: { status: 503, code: 'ServiceUnavailable', message: 'down' } }
  refusal = { error: { status: 403, code: 'AccessDenied', message: 'no' } }

  around { |example| with_env(local_aws.env_with_keys) { example.run } }

  describe 'a Session' do
    it 'says who we are' do
      expect(aws::Session.new.identity).to have_attributes(account: '123456789012', arn: demo, kind: :user, partition: 'aws', canonical_name: 'demo',
                                                           provider_arn: demo, source: 'environment', role: nil)
    end

    it 'assumes a role' do
      session = aws::Session.new(role_arn: worker, session_duration: 900, role_session_name: 'spec')
      expect(session.credentials).to have_attributes(access_key_id: /\AASIA/, session_token: a_kind_of(String), expired?: false,
                                                     expiration: be_within(10).of(Time.now + 900))
      expect(session.identity).to have_attributes(kind: :role, role: 'legion-worker', session_name: 'spec', provider_arn: worker)
      expect(session.attempts.map { |attempt| attempt[:outcome] }).to include('found')
    end

    it 'asks once for fifty threads, and allocates nothing for credentials it has returned before' do
      session = aws::Session.new(role_arn: worker)
      results = Array.new(50) { Thread.new { session.credentials } }.map(&:value)
      expect(results.uniq(&:object_id).map(&:access_key_id).uniq.size).to eq(1)
      expect(questions('AssumeRole')).to eq(1)
      allocated = Array.new(3) do # threads of other examples may allocate in between
        before = GC.stat(:total_allocated_objects)
        1000.times { session.credentials }
        GC.stat(:total_allocated_objects) - before
      end
      expect(allocated.min).to be < 100
    end

    it 'gives new credentials after refresh!, and the identity is asked anew' do
      session = aws::Session.new(role_arn: worker)
      session.identity
      first = session.credentials
      expect(session.refresh!).not_to eq(first)
      expect(session.credentials).not_to eq(first)
      session.identity
      expect(questions('GetCallerIdentity')).to eq(2)
    end

    it 'raises what AWS says, typed, with code, status and request id' do
      session = aws::Session.new(role_arn: 'arn:aws:iam::123456789012:role/forbidden')
      expect { session.credentials }.to raise_error(aws::AccessDeniedError) { |error|
        expect(error).to have_attributes(code: 'AccessDenied', status: 403, request_id: /\S/, outage?: false, message: /forbidden/)
        expect(error.attempts).not_to be_empty
      }
    end

    it 'refuses an unknown option, and suggests the one that was meant' do
      expect { aws::Session.new(role_am: worker) }.to raise_error(ArgumentError, /role_arn/)
    end

    it 'refuses an object that cannot be asked' do
      expect { aws::Session.new(web_identity_token: true, role_arn: worker) }.to raise_error(ArgumentError, /a String or a callable/)
    end

    it 'shares nothing with another session' do
      2.times { aws::Session.new(role_arn: worker).credentials }
      expect(questions('AssumeRole')).to eq(2)
    end

    it 'shows its settings and where each comes from' do
      with_env(local_aws.env_with_keys.merge('AWS_REGION' => 'eu-west-1')) do
        expect(aws::Session.new(role_arn: worker).settings).to include(region:   { value: 'eu-west-1', origin: 'environment AWS_REGION' },
                                                                       role_arn: { value: worker, origin: 'option' })
      end
    end
  end

  describe 'resolve' do
    it 'names the machine after its role, without the session in provider_identity' do
      role = aws::LegionIO::Provider.new(role_arn: worker)
      expect(role.resolve).to include(canonical_name: 'legion-worker', kind: :machine, source: :aws, provider_identity: worker)
    end

    it 'asks STS once for two passes of a boot, and once for two of a reload' do
      2.times { provider.resolve }
      expect(questions).to eq(1)
      provider.refresh
      2.times { provider.resolve }
      expect(questions).to eq(2)
    end

    it 'asks AWS once for all threads that ask at once' do
      expect(Array.new(20) { Thread.new { provider.resolve } }.map(&:value).uniq.size).to eq(1)
      expect(questions).to eq(1)
    end

    it 'serves the good answer through an outage, and raises in a refusal' do
      provider.resolve
      sts(outage) do
        provider.refresh
        expect(provider.resolve).to include(canonical_name: 'demo')
      end
      expect(warnings.size).to eq(1)
      sts(refusal) { expect { provider.resolve }.to raise_error(aws::AccessDeniedError) }
      expect(warnings.size).to eq(2)
    end

    it 'is nil and silent where nothing is configured, and remembers it' do
      with_env(local_aws.env) do
        local_aws.world(imds: { enabled: false })
        2.times { expect(provider.resolve).to be_nil }
        expect(local_aws.requests(service: :imds).size).to be <= 1
        expect(warnings).to be_empty
        local_aws.world(imds: { enabled: true })
        provider.refresh
        expect(provider.resolve).to include(canonical_name: 'ec2-web')
      end
    end

    it 'fails with one warning where half a key pair is configured' do
      with_env(local_aws.env_with_keys.merge('AWS_SECRET_ACCESS_KEY' => nil)) do
        2.times { expect { provider.resolve }.to raise_error(aws::ConfigurationError, /AWS_SECRET_ACCESS_KEY/) }
        expect(warnings.size).to eq(1)
      end
    end
  end

  describe 'provide_token' do
    it 'leases a role to its expiry and keys for ever' do
      expect(provider.provide_token).to have_attributes(credential: 'AKIADEMOUSERFAKEAWS2', expires_at: nil, renewable: true, valid?: true)
      lease = aws::LegionIO::Provider.new(role_arn: worker).provide_token
      expect(lease).to have_attributes(credential: /\AASIA/, expires_at: be_within(10).of(Time.now + 3600), metadata: include(region: 'us-east-1'))
      expect(lease.credentials.secret_access_key).to be_a(String)
    end

    it 'says in an outage that the lease is degraded, with its true expiry, and warns once' do
      role = aws::LegionIO::Provider.new(role_arn: worker)
      local_aws.rule(service: :sts, action: 'AssumeRole', lifetime_seconds: 4)
      first = role.provide_token
      sts(outage) do
        sleep 4.1
        3.times { role.current_credentials.access_key_id }
        lease = role.provide_token
        expect(lease).to have_attributes(credential: first.credential, expires_at: first.expires_at, valid?: false, metadata: include(degraded: /\S/))
        expect(warnings.size).to eq(1)
      end
    end
  end

  describe 'current_credentials' do
    it 'follows changed settings, and never shows credentials of earlier settings once it has looked' do
      refreshing = provider.current_credentials
      expect(refreshing.access_key_id).to eq('AKIADEMOUSERFAKEAWS2')
      with_env(local_aws.env_with_keys('arn:aws:iam::123456789012:root')) do
        expect(provider.provide_token.credential).to eq('AKIAROOTUSERFAKEAWS2')
        expect(refreshing.access_key_id).to eq('AKIAROOTUSERFAKEAWS2')
      end
      with_env(local_aws.env_with_keys.merge('AWS_PROFILE' => 'missing')) do
        expect { provider.resolve }.to raise_error(aws::ConfigurationError)
        expect { refreshing.access_key_id }.to raise_error(aws::ConfigurationError)
      end
    end
  end

  it 'works on both sides of a fork' do
    result = ruby_process(<<~RUBY, env: local_aws.env_with_keys)
      require 'legion/extensions/identity/aws'
      Aws = Legion::Extensions::Identity::Aws
      Aws::Identity.resolve
      Process.wait(fork { puts Aws::Identity.resolve[:canonical_name], Aws::Identity.provide_token.credential })
      puts Aws::Identity.current_credentials.access_key_id
    RUBY
    expect(result.stdout.split).to eq(%w[demo AKIADEMOUSERFAKEAWS2 AKIADEMOUSERFAKEAWS2])
  end
end
