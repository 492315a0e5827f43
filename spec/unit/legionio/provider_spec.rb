# frozen_string_literal: true

require 'logger'
require 'stringio'
require 'unit/support/scripted_native'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::Provider do
  aws = Legion::Extensions::Identity::Aws

  subject(:provider) { described_class.new }

  let(:native) { ScriptedNative.new }
  let(:log) { StringIO.new }
  let(:outage) { aws::ServiceError.new('STS answered 503', code: 'ServiceUnavailable', status: 503, outage: true) }
  let(:refusal) { aws::AccessDeniedError.new('STS refused', code: 'AccessDenied', status: 403) }
  let(:not_on_aws) { aws::NotOnAwsError.new('nothing is configured, IMDS is disabled') }

  before do
    allow(aws::Internal::Native::Session).to receive(:new) { native }
    aws.logger = Logger.new(log)
  end

  after { aws.logger = nil }

  def warnings = log.string.lines.grep(/WARN/)

  def questions = native.calls.count(:identity_serial)

  def later(seconds)
    now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    allow(Process).to receive(:clock_gettime).and_return(now + seconds)
  end

  describe '#resolve' do
    it 'gives LegionIO a Hash with symbol keys' do
      expect(provider.resolve).to eq(
        canonical_name:    'legion_worker',
        kind:              :machine,
        source:            :aws,
        provider_identity: 'arn:aws:iam::123456789012:role/Legion.Worker',
        persistent:        true,
        groups:            [],
        metadata:          {
          account_id:        '123456789012',
          arn:               'arn:aws:sts::123456789012:assumed-role/Legion.Worker/i-0abc',
          user_id:           'AROAEXAMPLE:i-0abc',
          partition:         'aws',
          region:            'eu-west-1',
          principal_kind:    :role,
          role:              'Legion.Worker',
          session_name:      'i-0abc',
          credential_source: 'environment'
        }
      )
      expect(warnings).to be_empty
    end

    it 'gives a Hash of its own to each caller' do
      provider.resolve[:metadata].clear
      expect(provider.resolve[:metadata]).to include(account_id: '123456789012')
    end

    context 'when this machine is not on AWS' do
      before { native.failure = not_on_aws }

      it 'is nil and silent, and remembered for negative_ttl' do
        2.times { expect(provider.resolve).to be_nil }
        expect(questions).to eq(1)
        expect(warnings).to be_empty
        later(61)
        expect(provider.resolve).to be_nil
        expect(questions).to eq(2)
      end

      it 'is one warning where a role is configured' do
        allow(native).to receive(:settings).and_return({ **ScriptedNative::SETTINGS, role_arn: { value: 'arn:aws:iam::123456789012:role/a' } })
        2.times do
          expect(provider.resolve).to be_nil
          later(61)
        end
        expect(warnings).to contain_exactly(/no AWS identity: nothing is configured/)
      end

      %i[roles tokens vault].each do |name|
        it "is one warning where identity.aws.#{name} is configured" do
          allow(aws::Internal::Layers).to receive(:identity_aws).and_return(aws::Internal::Secret.new({ name => { a: 'b' } }))
          2.times { expect(provider.resolve).to be_nil }
          expect(warnings).to contain_exactly(/no AWS identity: nothing is configured/)
        end
      end

      it 'is asked again after refresh, after a lease, and with changed settings' do
        provider.resolve
        provider.refresh
        provider.resolve
        expect(questions).to eq(2)
        native.failure = nil
        provider.provide_token
        expect(provider.resolve).to include(canonical_name: 'legion_worker')
      end

      it 'is not remembered across changed settings' do
        provider.resolve
        with_env('AWS_PROFILE' => 'prod') { provider.resolve }
        expect(questions).to eq(2)
      end
    end

    it 'is nil with one warning while a setting is not resolved yet' do
      allow(aws::Internal::Native::Session).to receive(:new).and_raise(aws::NotReadyError, 'role_arn is vault://… and not resolved yet')
      2.times { expect(provider.resolve).to be_nil }
      expect(warnings).to contain_exactly(/role_arn is vault/)
    end

    it 'warns once for each cause and raises each time' do
      native.failure = refusal
      2.times { expect { provider.resolve }.to raise_error(aws::AccessDeniedError) }
      expect(warnings).to contain_exactly(/STS refused/)
      native.failure = aws::TimeoutError.new('no answer', outage: true)
      expect { provider.resolve }.to raise_error(aws::TimeoutError)
      expect(warnings.size).to eq(2)
    end

    it 'warns again when the same failure comes back after a good answer' do
      native.failure = outage
      expect { provider.resolve }.to raise_error(aws::ServiceError)
      native.failure = nil
      provider.resolve
      native.failure = refusal
      expect { provider.resolve }.to raise_error(aws::AccessDeniedError)
      native.failure = nil
      provider.resolve
      native.failure = refusal
      expect { provider.resolve }.to raise_error(aws::AccessDeniedError)
      expect(warnings.size).to eq(3)
    end

    it 'logs and passes on what should not happen at all' do
      native.failure = -> { raise NoMethodError, 'a defect' }
      expect { provider.resolve }.to raise_error(NoMethodError)
      expect(warnings).to contain_exactly(/a defect/)
    end

    describe 'with a good answer in hand' do
      before { provider.resolve }

      it 'serves it through an outage, with one warning' do
        provider.refresh
        native.failure = outage
        2.times { expect(provider.resolve).to include(canonical_name: 'legion_worker') }
        expect(warnings).to contain_exactly(/legion_worker stays: STS answered 503/)
      end

      it 'never serves it through a refusal, nor through an outage after one' do
        native.failure = refusal
        expect { provider.resolve }.to raise_error(aws::AccessDeniedError)
        native.failure = outage
        expect { provider.resolve }.to raise_error(aws::ServiceError)
      end

      it 'drops it with changed settings' do
        native.failure = outage
        with_env('AWS_PROFILE' => 'prod') { expect { provider.resolve }.to raise_error(aws::ServiceError) }
      end

      describe 'whose credentials expire' do
        before do
          native.hold(expiration: Time.now.to_i + 3600)
          provider.resolve
          native.failure = outage
          allow(Time).to receive(:now).and_return(Time.now + 3601)
        end

        it 'drops it with them' do
          expect { provider.resolve }.to raise_error(aws::ServiceError)
        end

        it 'serves it on where they have been renewed' do
          native.hold(access_key_id: 'ASIASECOND', expiration: Time.now.to_i + 3600)
          expect(provider.resolve).to include(canonical_name: 'legion_worker')
        end
      end
    end
  end

  describe '#provide_token' do
    it 'leases the newest credentials' do
      native.hold(expiration: 4_070_908_800)
      lease = provider.provide_token
      expect(lease).to be_a(aws::Lease)
      expect(lease).to have_attributes(credential: 'ASIAFIRST', expires_at: Time.utc(2099, 1, 1), renewable: true)
      expect(lease.credentials.secret_access_key).to eq('canary-secret')
    end

    it 'raises what the core raises, never nil' do
      [refusal, not_on_aws].each do |error|
        native.failure = error
        expect { provider.provide_token }.to raise_error(error.class)
      end
    end
  end

  describe '#refresh' do
    it 'has the identity asked again' do
      provider.refresh
      expect(native.calls).to eq([:forget_identity])
    end

    it 'never raises' do
      allow(aws::Internal::Native::Session).to receive(:new).and_raise(aws::ConfigurationError, 'half a key pair')
      expect(provider.refresh).to be_nil
    end
  end

  describe '#current_credentials' do
    it 'is there at once, and asks nothing' do
      expect(provider.current_credentials).to be_a(aws::LegionIO::RefreshingCredentials)
      expect(aws::Internal::Native::Session).not_to have_received(:new)
    end
  end

  it 'shows the values in force' do
    expect(provider.settings).to eq(region: 'eu-west-1', negative_ttl: 60.0)
  end
end
