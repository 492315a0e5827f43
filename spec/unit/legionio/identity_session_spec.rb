# frozen_string_literal: true

require 'logger'
require 'stringio'
require 'unit/legionio/support/small_legionio'

RSpec.describe Legion::Extensions::Identity::Aws::Identity, '.session' do
  aws = Legion::Extensions::Identity::Aws
  role = 'arn:aws:iam::123456789012:role'

  let(:legion) { SmallLegionIO.new(client: { ready: true }) }

  before { legion.constants.slice('Legion::Settings').each { |name, value| stub_const(name, value) } }

  around { |example| with_env(local_aws.env_with_keys) { example.run } }

  def settings(identity_aws) = legion.settings.all = { identity: { aws: identity_aws }, client: { ready: true } }

  it 'is the one in force, until the settings change' do
    settings(role_arn: "#{role}/legion-worker")
    session = described_class.session
    expect([described_class.session, described_class.session(:default), described_class.session('default')]).to all(equal(session))
    expect(session.identity.arn).to include('assumed-role/legion-worker/')
    settings(role_arn: "#{role}/team/deployer")
    expect(described_class.session.identity.arn).to include('assumed-role/deployer/')
  end

  it 'is that of a role, with the credentials that LegionIO gets' do
    settings(roles: { deploy: "#{role}/team/deployer" })
    session = described_class.session(:deploy)
    expect(session.identity.arn).to include('assumed-role/deployer/')
    expect(described_class.session('deploy')).to equal(session)
    expect(session.token_for(:msk).expiration).to be > Time.now
  end

  it 'has one log line of what is odd about the settings, whatever is read of whichever session, and one of what is odd later' do
    log = StringIO.new
    aws.logger = Logger.new(log)
    settings(remark_of_a_spec: 1, cache: '/dev/null/cache', role_arn: "#{role}/legion-worker", roles: { odd: "#{role}/team/deployer" })
    [nil, :odd].each do |name|
      session = name ? described_class.session(name) : described_class.session
      2.times { session.refresh! && session.credentials && session.identity }
    end
    settings(remark_of_a_spec: 1, region: 'eu-west-3')
    described_class.session.credentials
    warnings = log.string.lines.grep(/WARN/)
    expect([warnings.grep(/remark_of_a_spec/).size, warnings.grep(%r{/dev/null/cache}).size]).to eq([1, 2]) # one for each session that had the cache
  ensure
    aws.logger = nil
  end

  it 'says that a role cannot be used for the first time in a trap handler' do
    settings(roles: { trapped: "#{role}/team/deployer" })
    answer = nil
    before = trap(:USR1) do
      answer = begin
        described_class.session(:trapped)
      rescue StandardError => e
        e
      end
    end
    Process.kill(:USR1, Process.pid)
    sleep 0.001 until answer
    expect(answer).to be_a(aws::Error).and have_attributes(message: /outside of trap handlers/)
    expect(described_class.session(:trapped)).to be_a(aws::Session)
  ensure
    trap(:USR1, before || 'DEFAULT')
  end

  it 'is never the process’s own in place of a role that is not there' do
    settings(roles: { deploy: "#{role}/team/deployer" })
    expect { described_class.session(:deplyo) }
      .to raise_error(aws::ConfigurationError, /roles has no "deplyo": there are deploy\. Add it to the settings/)
    [nil, 7.5, { role: :deploy }].each { |name| expect { described_class.session(name) }.to raise_error(ArgumentError, /was given #{name.class}/) }
    ['', ' ', 'no role'].each { |name| expect { described_class.session(name) }.to raise_error(aws::ConfigurationError, /has no/) }
    settings({})
    expect { described_class.session('deploy') }.to raise_error(aws::ConfigurationError, /there is none/)
  end

  it 'is none where the settings cannot be used, are not resolved, or turn the gem off' do
    settings(role_arn: 'nonsense')
    expect { described_class.session }.to raise_error(aws::ConfigurationError)
    settings(external_id: 'vault://secret#id', role_arn: "#{role}/legion-worker")
    expect { described_class.session }.to raise_error(aws::NotReadyError)
    settings(enabled: false)
    expect { described_class.session }.to raise_error(aws::ConfigurationError, /enabled: false/)
  end
end
