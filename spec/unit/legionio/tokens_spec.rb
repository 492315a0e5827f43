# frozen_string_literal: true

require 'pp'
require 'json'
require 'yaml'
require 'logger'
require 'stringio'
require 'tmpdir'
require 'unit/legionio/support/small_legionio'

# With the local AWS: what LegionIO's Broker has under the qualifiers of identity.aws.tokens.
RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::Tokens do
  aws = Legion::Extensions::Identity::Aws
  worker = 'arn:aws:iam::123456789012:role/legion-worker'
  deployer = 'arn:aws:iam::123456789012:role/team/deployer'

  let(:legion) { SmallLegionIO.new(client: { ready: true }) }
  let(:broker) { legion.broker }
  let(:provider) { aws::LegionIO::Provider.new }
  let(:identity) { aws::Identity }
  let(:sync) { aws::LegionIO::BrokerSync.new(identity, provider) }
  let(:log) { StringIO.new }

  around { |example| with_env(local_aws.env_with_keys) { example.run } }

  before do
    legion.constants.each { |name, value| stub_const(name, value) }
    SmallLegionIO.forget_lease_class
    aws.logger = Logger.new(log)
    allow_any_instance_of(aws::Internal::Backoff).to receive(:next).and_return(0.05)
  end

  after do
    legion.settings.all = { client: { shutting_down: true } }
    sync.instance_variable_get(:@job).run
    eventually { !sync.instance_variable_get(:@job).running? }
    broker.stop
    aws.logger = nil
    SmallLegionIO.forget_lease_class
  end

  # Changes the settings, and does what a use does.
  def use(identity_aws)
    legion.settings.all = { identity: { aws: identity_aws }, client: { ready: true } }
    answer = provider.resolve
    sync.wake(told: answer && provider.answered)
  end

  def eventually
    limit = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 15
    until (found = yield)
      raise "it did not come:\n#{log.string}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > limit

      sleep 0.01
    end
    found
  end

  def settled = eventually { !sync.instance_variable_get(:@job).running? }

  def token(name) = broker.token_for(:aws, qualifier: name)

  def lease(name) = broker.renewer_for(:aws, qualifier: name)&.current_lease

  def claims(jwt) = JSON.parse(jwt.split('.')[1].tr('-_', '+/').unpack1('m'))

  def warnings = log.string.lines.grep(/WARN/)

  it 'leases a token that AWS signs, of the process or of a role, and one that is presigned here' do
    use(role_arn: worker, roles: { reader: deployer },
        tokens:   { own: { kind: 'identity', audience: 'vault' }, 'rabbitmq' => { 'kind' => 'identity', 'audience' => 'mq', 'role' => 'reader' },
                    database: { kind: 'rds', host: 'db', port: 5432, user: 'app', region: 'eu-west-3' } })
    settled
    expect(claims(token(:own))).to include('aud' => 'vault', 'sub' => worker)
    expect(claims(token(:rabbitmq))).to include('aud' => 'mq', 'sub' => deployer)
    expect(token(:database)).to match(%r{\Adb:5432/\?.*X-Amz-Credential=ASIA\w+%2F\d+%2Feu-west-3%2Frds-db})
    expect([lease(:own), lease(:database)]).to match([have_attributes(expires_at: be_within(30).of(Time.now + 300), renewable: true, provider: :aws),
                                                      have_attributes(expires_at: be_within(30).of(Time.now + 900))])
    expect(token(:default)).to start_with('ASIA')
    expect(warnings).to eq([])
  end

  it 'has a lease that is no Lease of credentials, and shows the token in nothing' do
    use(tokens: { own: { kind: 'identity', audience: 'vault' } }, broker_bridge: true)
    settled
    secret = token(:own)
    expect(lease(:own)).to be_a(Legion::Identity::Lease).and be_frozen
    expect(lease(:own)).not_to be_a(aws::Lease)
    expect(broker.credentials_for(:aws, qualifier: :own).keys).to eq(%i[token provider service lease])
    expect(lease(:own).metadata).to match({ kind: :identity, expiration: /\A\d{4}-.*Z\z/ })
    shown = [lease(:own).inspect, lease(:own).to_s, PP.pp(lease(:own), +''), lease(:own).metadata.inspect, JSON.generate(lease(:own)), log.string,
             *lease(:own).instance_variables.map { |name| lease(:own).instance_variable_get(name).inspect }, sync.inspect]
    expect(shown.select { |text| text.include?(secret) }).to eq([])
    [-> { Marshal.dump(lease(:own)) }, -> { YAML.dump(lease(:own)) }].each { |dump| expect(&dump).to raise_error(TypeError) }
  end

  it 'is renewed by LegionIO, and replaced when its settings or its role change' do
    tokens = { own: { kind: 'identity', audience: 'one', duration_seconds: 60 } }
    use(tokens: tokens)
    settled
    first = token(:own)
    broker.renewer_for(:aws, qualifier: :own).provider.provide_token
    expect(broker.renewer_for(:aws, qualifier: :own).renew).to be_a(aws::LegionIO::TokenLease)
    use(tokens: { own: tokens[:own].merge(audience: 'two') })
    now = ->(claim) { token(:own)&.then { |jwt| claims(jwt)[claim] } } # there is none for a moment
    eventually { now.call('aud') == 'two' }
    use(role_arn: worker, tokens: { own: tokens[:own].merge(audience: 'two') })
    eventually { now.call('sub') == worker }
    expect(claims(first)['aud']).to eq('one')
    use(role_arn: worker)
    eventually { token(:own).nil? }
    settled
  end

  it 'writes its file with each token: whole, for its owner only, and in place of a link' do
    Dir.mktmpdir do |folder|
      elsewhere = "#{folder}/elsewhere"
      File.write(elsewhere, 'old')
      File.symlink(elsewhere, "#{folder}/token")
      use(tokens: { mq: { kind: 'msk', file: "#{folder}/token" } })
      settled
      first = token(:mq)
      expect([File.read("#{folder}/token"), File.lstat("#{folder}/token").file?, File.read(elsewhere)]).to eq([first, true, 'old'])
      expect(format('%o', File.stat("#{folder}/token").mode & 0o777)).to eq('600')
      File.write("#{folder}/token", 'stale')
      broker.renewer_for(:aws, qualifier: :mq).renew
      expect([File.read("#{folder}/token"), Dir.children(folder).sort]).to eq([token(:mq), %w[elsewhere token]])
    end
  end

  it 'is nil where it cannot be had, says why once, and leaves all else as it is' do
    cases = {
      { audience: 'x' }                                          => /tokens\.bad has no kind/,
      { kind: 'redis' }                                          => /tokens\.bad: .*redis/,
      { kind: 'identity', audience: 'x', audiense: 'x' }         => /tokens\.bad: .*"audiense"\. Did you mean audience/,
      { kind: 'identity' }                                       => /tokens\.bad: .*needs audience/,
      { kind: 'identiti', audience: 'x' }                        => /tokens\.bad: .*Did you mean identity/,
      { kind: 'identity', audience: 'x', duration_seconds: 'x' } => /tokens\.bad: .*from 60 to 3600/,
      { kind: 'rds', host: 'h' }                                 => /tokens\.bad: .*(port|user)/,
      { kind: 'msk', role: 'raeder' }                            => /tokens\.bad names the role raeder/,
      { kind: 'msk', role: { name: 'reader' } }                  => /tokens\.bad\.role is of class Hash\. Write the name/,
      { kind: 'msk', role: 'forbidden' }                         => /tokens\.bad cannot be leased: .*AccessDenied/m,
      { kind: 'identity', audience: 'vault://secret#audience' }  => /not resolved yet/,
      { kind: 'msk', file: 'token' }                             => /tokens\.bad\.file is no absolute path\. Write one/,
      { kind: 'msk', file: '/nonexistent/token' }                => %r{cannot be written to /nonexistent/token: ENOENT},
      'msk'                                                      => /tokens\.bad is of class String/
    }
    rounds = 0
    allow(described_class).to(receive(:problem).and_wrap_original { |original, *settings| original.call(*settings).tap { rounds += 1 } })
    cases.each do |given, words|
      log.string = +''
      use(roles: { forbidden: 'arn:aws:iam::123456789012:role/forbidden' }, tokens: { bad: given, good: { kind: 'msk' } })
      found = eventually { warnings.grep(words).first && token(:good) && warnings.grep(words) }
      before = rounds
      eventually { rounds >= before + 2 } # it is tried again
      expect([token(:bad), found.size, warnings.grep(words).size, token(:default)]).to match([nil, 1, 1, /\AAKIA/])
    end
  end

  it 'is neither a token nor a role where both have one name, and never the key id' do
    use(roles: { both: deployer }, tokens: { both: { kind: 'msk' }, default: { kind: 'msk' } })
    eventually { warnings.grep(/both: the same name is in identity\.aws\.tokens and in identity\.aws\.roles/).any? }
    settled
    expect([token(:both), token(:default)]).to match([nil, /\AAKIA/])
    use(tokens: { default: { kind: 'msk' } })
    eventually { warnings.grep(/tokens\.default is ignored/).any? }
    use(tokens: %w[msk])
    eventually { warnings.grep(/tokens is of class Array and is ignored/).any? }
    settled
  end
end
