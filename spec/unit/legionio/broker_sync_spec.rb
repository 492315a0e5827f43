# frozen_string_literal: true

require 'logger'
require 'stringio'
require 'unit/legionio/support/small_legionio'
require 'unit/support/scripted_native'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::BrokerSync do
  aws = Legion::Extensions::Identity::Aws

  subject(:sync) { described_class.new(identity, provider) }

  let(:legion) { SmallLegionIO.new(identity: { aws: {} }, client: { ready: true }) }
  let(:broker) { legion.broker }
  let(:provider) { aws::LegionIO::Provider.new }
  let(:log) { StringIO.new }
  let(:natives) { {} }
  let(:reader) { 'arn:aws:iam::123456789012:role/reader' }
  let(:writer) { 'arn:aws:iam::123456789012:role/writer' }
  let(:refusal) { aws::AccessDeniedError.new('STS refused', code: 'AccessDenied', status: 403) }

  # As Identity answers LegionIO.
  let(:identity) do
    spec = self
    Object.new.tap do |object|
      object.define_singleton_method(:provider_name) { :aws }
      object.define_singleton_method(:resolve) { spec.resolve }
      object.define_singleton_method(:provide_token) { spec.provider.provide_token }
    end
  end

  before do
    legion.constants.each { |name, value| stub_const(name, value) }
    legion.resolver.register(identity)
    SmallLegionIO.forget_lease_class
    aws.logger = Logger.new(log)
    allow(aws::Internal::Native::Session).to receive(:new) { |layers| native_for(layers) }
    backoff(0.01)
  end

  after do
    legion.settings.all = { client: { shutting_down: true } }
    sync.instance_variable_get(:@job).run # without the rest of a pause
    settled
    broker.stop
    aws.logger = nil
    SmallLegionIO.forget_lease_class
  end

  # One for each role, whose key has its name. What is in `@failures` under a role is raised.
  def native_for(layers)
    role = layers[:options][:role_arn] || layers[:settings]&.dig(:role_arn) || 'own'
    native = ScriptedNative.new
    { events: [], wait_for_fetch: false, due_in: nil }.each { |name, answer| native.define_singleton_method(name) { |*| answer } }
    native.failure = -> { raise @failures[role] if @failures&.key?(role) }
    native.hold(access_key_id: "ASIA#{role[/\w+\z/].upcase}")
    native.is(provider_arn: role)
    natives[role] = native
  end

  def settings=(identity_aws)
    legion.settings.all = { identity: { aws: identity_aws }, client: { ready: true } }
  end

  def backoff(seconds) = allow_any_instance_of(Legion::Extensions::Identity::Aws::Internal::Backoff).to receive(:next).and_return(seconds)

  # What Identity.resolve does with an answer, with none and with a failure.
  def resolve
    answer = provider.resolve
  ensure
    sync.wake(told: answer ? provider.answered : (false if provider.failed?))
  end

  # As a use does that compares the settings.
  def use
    provider.current
  ensure
    sync.wake
  end

  def token(qualifier = :default) = broker.token_for(:aws, qualifier: qualifier)

  def eventually
    limit = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 10
    until (found = yield)
      raise "it did not come:\n#{log.string}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > limit

      sleep 0.005
    end
    found
  end

  # Until the background job has nothing left to do.
  def settled = eventually { !sync.instance_variable_get(:@job).running? }

  def warnings = log.string.lines.grep(/WARN/)

  it 'knows of a resolve from before it was made' do
    provider.resolve
    sync.wake
    expect(eventually { broker.token_for(:aws) }).to eq('ASIAOWN')
  end

  it 'tries again at once where a file has changed since AWS refused' do
    backoff(60)
    @failures = { 'own' => refusal }
    expect { resolve }.to raise_error(aws::AccessDeniedError)
    eventually { sync.instance_variable_get(:@job).instance_variable_get(:@thread)&.stop? } # in its pause
    @failures = {}
    natives['own'].file_changes += 1
    eventually { token == 'ASIAOWN' }
  end

  it 'does nothing before the first resolve, nor without a Broker' do
    use
    hide_const('Legion::Identity::Broker')
    resolve
    expect([broker.registrations, sync.instance_variable_get(:@job).running?]).to eq([[], false])
  end

  it 'does nothing off AWS' do
    @failures = { 'own' => aws::NotOnAwsError.new('nothing is configured') }
    expect(resolve).to be_nil
    use
    expect([broker.registrations, sync.instance_variable_get(:@job).running?]).to eq([[], false])
  end

  it 'leases the process’s own in line, and the roles in the background' do
    self.settings = { roles: { reader: reader, writer: writer } }
    resolve
    expect(token).to eq('ASIAOWN')
    eventually { token(:reader) == 'ASIAREADER' && token(:writer) == 'ASIAWRITER' }
    settled
    expect(broker.registrations.map { |one| one.values_at(:qualifier, :default) }).to eq([[:default, true], [:reader, false], [:writer, false]])
    expect(broker.renewer_for(:aws).provider).to equal(identity)
  end

  it 'gives LegionIO its name although the first lease fails, and makes up for it' do
    allow(broker).to receive(:register_provider).and_wrap_original do |original, *given, **named|
      @failed_once ? original.call(*given, **named) : (@failed_once = true) && raise(IOError, 'Broker is broken')
    end
    expect(resolve).to include(canonical_name: 'legion_worker')
    expect(warnings).to include(/could not be leased: IOError: Broker is broken/)
    eventually { token == 'ASIAOWN' }
  end

  it 'registers once, however many resolve at once' do
    self.settings = { roles: { reader: reader } }
    Array.new(8) { Thread.new { resolve } }.each(&:join)
    eventually { token(:reader) }
    settled
    expect(broker.registrations.map { |one| one[:qualifier] }).to eq(%i[default reader])
  end

  it 'starts no thread where all is equal' do
    self.settings = { roles: { reader: reader } }
    resolve
    settled
    allow(Thread).to receive(:new).and_call_original
    5.times { use }
    lease = provider.provide_token
    sync.wake(lease: lease)
    resolve
    expect(Thread).not_to have_received(:new)
    expect(legion.resolver.passes).to eq(0)
  end

  it 'replaces a renewer that was killed, that stopped with an error, or that belongs to another provider' do
    resolve
    settled
    broker.renewer_for(:aws).thread.kill.join
    use
    eventually { broker.renewer_for(:aws).alive? }
    settled
    died = broker.renewer_for(:aws)
    died.thread.raise(NotImplementedError, 'crash')
    eventually { !died.alive? }
    use
    eventually { broker.renewer_for(:aws).alive? }
    settled
    broker.register_provider(:aws, provider: Object.new, lease: SmallLegionIO::Lease.new(credential: 'x'))
    use
    eventually { broker.renewer_for(:aws).provider.equal?(identity) && token == 'ASIAOWN' }
  end

  it 'leases anew when the settings change, and has LegionIO resolve anew' do
    resolve
    settled
    self.settings = { role_arn: writer }
    use
    eventually { token == 'ASIAWRITER' && legion.resolver.composite&.dig(:aliases, :aws) == [writer] }
    settled
    expect(legion.resolver.passes).to eq(1)
  end

  it 'leaves the renewer that has asked for a lease of the new settings by itself' do
    resolve
    settled
    self.settings = { role_arn: writer }
    renewer = broker.renewer_for(:aws)
    renewer.renew
    use
    settled
    expect(broker.renewer_for(:aws)).to equal(renewer)
    expect(token).to eq('ASIAWRITER')
  end

  it 'does not have LegionIO resolve anew where it knows the name and facts already' do
    legion.resolver.resolve!
    settled
    with_env('AWS_MAX_ATTEMPTS' => '2') do # another session of the same identity
      use
      settled
      expect(provider.session).to equal(provider.answered)
    end
    expect(legion.resolver.passes).to eq(1)
  end

  it 'withdraws what the new settings cannot lease' do
    resolve
    settled
    @failures = { writer => refusal }
    backoff(300)
    self.settings = { role_arn: writer }
    use
    eventually { token.nil? }
    @failures = {}
    self.settings = { role_arn: reader }
    use
    eventually { token == 'ASIAREADER' }
  end

  it 'registers a role that is added, follows one that changes, withdraws one that is removed' do
    resolve
    settled
    self.settings = { roles: { deploy: reader } }
    use
    eventually { token(:deploy) == 'ASIAREADER' }
    settled
    role = broker.renewer_for(:aws, qualifier: :deploy).provider
    self.settings = { roles: { deploy: writer } }
    use
    eventually { token(:deploy) == 'ASIAWRITER' }
    expect(broker.renewer_for(:aws, qualifier: :deploy).provider).to equal(role)
    settled
    self.settings = {}
    use
    eventually { token(:deploy).nil? }
  end

  it 'withdraws everything while the settings say enabled: false, and gives the name again afterwards' do
    resolve
    settled
    self.settings = { enabled: false }
    sync.wake(told: false)
    eventually { token.nil? }
    settled
    self.settings = {}
    use
    eventually { token == 'ASIAOWN' && legion.resolver.passes == 1 }
  end

  describe 'with a role that is refused' do
    before do
      @failures = { reader => refusal }
      self.settings = { roles: { deploy: reader, writer: writer } }
    end

    it 'leases the others, warns once, and tries again' do
      resolve
      eventually { token(:writer) == 'ASIAWRITER' }
      eventually { natives[reader].calls.size > 4 }
      expect(warnings).to contain_exactly(/identity\.aws\.roles\.deploy cannot be leased: STS refused/)
      @failures = {}
      eventually { token(:deploy) == 'ASIAREADER' }
    end

    it 'waits its time, however often it is woken, unless something changes' do
      backoff(300)
      resolve
      eventually { token(:writer) }
      asked = eventually { natives[reader].calls.size.nonzero? }
      20.times { use }
      sleep 0.05
      expect(natives[reader].calls.size).to eq(asked)
      @failures = {}
      self.settings = { roles: { deploy: reader, writer: writer, third: 'arn:aws:iam::123456789012:role/third' } }
      use
      eventually { token(:deploy) && token(:third) == 'ASIATHIRD' }
    end
  end

  it 'never has a role taken for the process’s own' do
    @failures = { 'own' => refusal }
    self.settings = { roles: { deploy: reader } }
    expect { resolve }.to raise_error(aws::AccessDeniedError)
    eventually { token(:deploy) }
    expect(broker.registrations.first).to eq(qualifier: :default, key: nil, default: true)
    expect(token).to be_nil
  end

  describe 'after a resolve that failed' do
    before do
      @failures = { 'own' => refusal }
      expect { resolve }.to raise_error(aws::AccessDeniedError)
    end

    it 'has LegionIO resolve anew once AWS answers, with one warning' do
      eventually { natives['own'].calls.size > 4 }
      @failures = {}
      eventually { legion.resolver.composite && token == 'ASIAOWN' }
      settled
      expect(legion.resolver.passes).to eq(1)
      expect(warnings).to contain_exactly(/STS refused/)
    end

    it 'leaves that to LegionIO until it is ready' do
      stub_const('Legion::Service', Module.new)
      legion.settings.all = { client: { ready: false } }
      @failures = {}
      eventually { token == 'ASIAOWN' }
      sleep 0.05
      expect(legion.resolver.passes).to eq(0)
      legion.settings.all = { client: { ready: true } }
      eventually { legion.resolver.composite }
    end

    it 'does not have it resolve where it turns out that this machine is not on AWS' do
      @failures = { 'own' => aws::NotOnAwsError.new('nothing is configured') }
      asked = natives['own'].calls.size
      eventually { natives['own'].calls.size > asked + 3 }
      expect([provider.failed?, legion.resolver.passes]).to eq([false, 0])
    end

    it 'stops once LegionIO shuts down' do
      legion.settings.all = { client: { shutting_down: true } }
      settled
      use
      expect(sync.instance_variable_get(:@job)).not_to be_running
    end
  end

  it 'has LegionIO resolve anew after a later resolve that failed, too' do
    resolve
    settled
    @failures = { 'own' => refusal }
    expect { resolve }.to raise_error(aws::AccessDeniedError)
    @failures = {}
    eventually { legion.resolver.passes == 1 }
    settled
    expect([legion.resolver.passes, token]).to eq([1, 'ASIAOWN'])
  end

  it 'asks no question and raises nothing where LegionIO raises' do
    resolve
    settled
    allow(broker).to receive(:renewer_for).and_raise(IOError, 'Broker is broken')
    expect { use }.not_to raise_error
    expect(log.string).to include('IOError: Broker is broken')
  end

  it 'forwards what happens to the leased credentials, with the qualifier' do
    stub_const('Legion::Events', double(emit: nil))
    listeners = []
    allow_any_instance_of(aws::Session).to receive(:on_change) { |_, &block| listeners.push(block) && double(active?: true, unsubscribe: nil) }
    self.settings = { roles: { deploy: reader } }
    resolve
    eventually { listeners.size == 2 }
    settled
    use
    listeners.last.call(aws::ChangeEvent.new(type: :refreshed, access_key_id: 'ASIA', attempt: 0))
    expect(Legion::Events).to have_received(:emit)
      .with('identity.aws.refreshed', qualifier: :deploy, access_key_id: 'ASIA', expiration: nil, reason: nil, attempt: 0)
  end

  it 'warns once of a switch that is neither true nor false' do
    self.settings = { broker_bridge: 'yes' }
    resolve
    settled
    use
    settled
    expect(warnings).to contain_exactly(/identity\.aws\.broker_bridge is neither true nor false and is ignored/)
  end

  it 'warns once of roles that cannot be used' do
    self.settings = { roles: 'reader' }
    resolve
    settled
    broker.renewer_for(:aws).thread.kill.join
    use
    settled
    expect(warnings).to contain_exactly(/identity\.aws\.roles is of class String and is ignored/)
  end

  describe 'with broker_bridge' do
    before { stub_const('Legion::LLM::Call::Providers', double(rediscover_all_providers: nil)) }

    def notified(times) = expect(Legion::LLM::Call::Providers).to(have_received(:rediscover_all_providers).exactly(times).times)

    it 'adds the keys at once, and has the LLM part look again for each key that a renewer holds' do
      resolve
      settled
      expect(broker.credentials_for(:aws).keys).to eq(%i[token provider service lease])
      notified(0)
      self.settings = { broker_bridge: true }
      use
      expect(broker.credentials_for(:aws)).to include(access_key_id: 'ASIAOWN', secret_access_key: 'canary-secret', region: 'eu-west-1')
      settled
      notified(1)
      natives['own'].hold(access_key_id: 'ASIANEXT')
      lease = provider.provide_token
      sync.wake(lease: lease)
      broker.renewer_for(:aws).instance_variable_set(:@current_lease, lease)
      settled
      notified(2)
    end
  end
end
