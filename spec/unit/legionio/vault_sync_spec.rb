# frozen_string_literal: true

require 'legion/extensions/identity/aws/legionio/vault_sync'
require 'logger'
require 'securerandom'
require 'stringio'
require 'support/local_vault'
require 'unit/legionio/support/small_legionio'
require 'unit/legionio/support/small_vault'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::VaultSync do
  aws = Legion::Extensions::Identity::Aws

  subject(:sync) { described_class.new(provider) }

  let(:vault) { LocalVault.start }
  let(:log) { StringIO.new }
  let(:settings) { SmallLegionIO::Settings.new(nil) }
  let(:provider) do
    credentials = aws::Credentials.new('ASIAEXAMPLE', 'canary-secret', 'canary-token')
    Struct.new(:current, :credentials, :failing) do
      def current_credentials = self
      def failed? = failing
    end.new(Object.new, credentials, false)
  end
  let(:tokens) { vault.tokens }

  before do
    load_settings
    stub_const('Legion::Settings', settings)
    stub_const('Legion::Crypt', crypt)
    stub_const('Vault', SmallVault)
    stub_const("#{described_class}::LOOK", 0.02)
    allow_any_instance_of(aws::Internal::Backoff).to receive(:next).and_return(0.02)
    aws.logger = Logger.new(log)
  end

  after do
    settings.all = { client: { shutting_down: true } }
    ended
    vault.stop
    aws.logger = nil
  end

  # As at a boot or a reload: nothing that was written into the settings is left.
  def load_settings(vault_setting = { role: 'worker' }, ready: true)
    settings.all = { identity: { aws: { vault: vault_setting }.compact }, client: { ready: ready },
                     crypt: { vault: { clusters: { main: vault.cluster, other: vault.cluster }, default: 'main' } } }
  end

  # Legion::Crypt reads the settings at each call.
  def crypt
    settings = self.settings
    SmallVault::Crypt.new(nil).tap { |crypt| crypt.define_singleton_method(:clusters) { settings.dig(:crypt, :vault, :clusters) || {} } }
  end

  def job = sync.instance_variable_get(:@job)
  def held(name = :main) = settings.dig(:crypt, :vault, :clusters, name, :token)
  def warnings = log.string.lines.grep(/WARN/)
  def ended = eventually { !job.running? }

  # Two ends of a look at the cluster: the first may have begun before.
  def looked_anew
    before = sync.instance_variable_get(:@tries)
    eventually { sync.instance_variable_get(:@tries) >= before + 2 }
  end

  def eventually
    limit = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 10
    until (found = yield)
      raise "it did not come:\n#{log.string}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > limit

      sleep 0.005
    end
    found
  end

  def seconds
    since = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    yield
    Process.clock_gettime(Process::CLOCK_MONOTONIC) - since
  end

  it 'does nothing without the setting' do
    load_settings(nil)
    sync.login
    sync.wake
    expect([job.running?, vault.logins, log.string]).to eq([false, [], ''])
  end

  describe 'behind Vault' do
    let(:front) { aws::LegionIO::Vault.new(provider) }

    def sync = front.instance_variable_get(:@sync)

    it 'is made where the setting is there, and does nothing before the first login' do
      front.wake
      expect([sync, vault.logins]).to eq([nil, []])
      load_settings(nil)
      front.login
      front.wake
      expect(sync).to be_nil
      load_settings
      front.wake
      eventually { held == tokens.first && held }
      front.login
      expect(vault.logins.size).to eq(1)
    end
  end

  it 'has a token when it returns' do
    sync.login
    expect(held).to eq(tokens.first)
    expect(settings.dig(:crypt, :vault, :connected)).to be(true)
    expect(log.string.lines).to match([/INFO .*Vault: cluster main is logged in to as role worker; its token lives 3600 s/])
    expect(log.string).not_to include('hvs.')
  end

  it 'logs in once, however often it is called' do
    Array.new(6) { Thread.new { sync.login } }.each(&:join)
    3.times { sync.login }
    3.times { sync.wake }
    looked_anew
    expect(vault.logins.size).to eq(1)
  end

  it 'renews the token at two thirds of its life' do
    vault.lease_duration = 1
    expect(seconds { [sync.login, eventually { vault.renewals.size >= 2 }] }).to be > 1.2
    expect([vault.logins.size, held]).to eq([1, tokens.first])
  end

  it 'logs in anew where it cannot be renewed, or only for ever shorter times' do
    vault.lease_duration = 1
    vault.renewable = false
    sync.login
    eventually { held && held == tokens[1] }

    vault.renewable = true
    vault.lease_duration = 4
    eventually { vault.logins.size == 3 }
    vault.lease_duration = 1
    eventually { vault.renewals.include?(tokens.last) }
    eventually { vault.logins.size == 4 }
    expect(vault.renewals.count(tokens[2])).to eq(1)
  end

  it 'leaves a token without an end' do
    vault.lease_duration = 0
    sync.login
    looked_anew
    expect([vault.logins.size, vault.renewals]).to eq([1, []])
  end

  it 'logs in anew when a reload has lost the token' do
    sync.login
    load_settings
    eventually { held }
    expect([held, vault.logins.size]).to eq([tokens.last, 2])
  end

  it 'waits for LegionIO while it reloads, except in a login' do
    stub_const('Legion::Service', Class.new)
    sync.login
    load_settings(ready: false)
    asked = 0
    allow(aws::LegionIO::Runtime).to(receive(:ready?).and_wrap_original { |original| original.call.tap { asked += 1 } })
    eventually { asked > 2 }
    expect(held).to be_nil
    sync.login
    expect(held).to eq(tokens.last)
  end

  it 'logs in anew as another identity, or to another cluster, and takes the old token back' do
    sync.login
    provider.current = Object.new
    eventually { held && held == tokens[1] }
    settings.all[:identity][:aws] = { vault: { role: 'worker', cluster: 'other' } }
    eventually { held(:other) && held(:other) == tokens[2] }
    expect(held).to be_nil
  end

  it 'takes the token back where the setting is taken away, and comes again' do
    sync.login
    settings.all[:identity][:aws] = {}
    ended
    expect([held, settings.dig(:crypt, :vault, :connected)]).to eq([nil, false])
    settings.all[:identity][:aws] = { vault: { role: 'worker' } }
    sync.wake
    eventually { held && held == tokens.last }
  end

  it 'ends when LegionIO shuts down, and keeps the token until then' do
    sync.login
    settings.all[:client][:shutting_down] = true
    ended
    expect(held).to eq(tokens.first)
  end

  describe 'once LegionIO has shut down' do
    before { stub_const('Legion::Events', SmallLegionIO::Events.new) }

    def shut_down
      settings.all[:client][:shutting_down] = true
      yield if block_given?
      Legion::Events.emit('service.shutdown')
    end

    it 'has revoked its token, wherever its thread is then' do
      sync.login
      shut_down { expect([held, vault.revoked]).to eq([tokens.first, []]) }
      expect(vault.revoked).to eq([tokens.first])
      expect(log.string).to include('INFO').and include('Vault: the token of cluster main is revoked')
      load_settings
      sync.login
      shut_down { ended }
      expect(vault.revoked).to eq(tokens)
      shut_down
      expect([vault.revoked.size, warnings]).to eq([2, []])
    end

    it 'has waited no longer than its bound, and says why the token is not revoked' do
      sync.login
      stub_const("#{described_class}::BOUND", 0.3)
      vault.trouble = :hang
      expect(seconds { shut_down }).to be_between(0.2, 1.9) # Vault is given 2.5 s
      eventually { warnings.any? }
      expect(warnings).to match([/the Vault token is not revoked: Vault \(cluster main\) gave no answer within 2\.5 s/])
    end

    it 'leaves the token of the parent process to it, also where the child tried to log in' do
      sync.login
      stub_const("#{described_class}::RENEWED", 0.000001)
      revoked = []
      vault.trouble = ->(path, _) { path.end_with?('revoke-self') ? [204, revoked << path] : [503, { errors: ['sealed'] }] }
      child = fork do
        provider.define_singleton_method(:credentials) { raise aws::ConnectionError, 'no network' }
        sync.wake
        eventually { log.string.include?('no network') }
        shut_down
        exit!(0)
      rescue Exception # rubocop:disable Lint/RescueException -- nothing of the child's RSpec may run on
        exit!(1)
      end
      Process.wait(child)
      expect([Process.last_status.exitstatus, revoked]).to eq([0, []])
    end

    it 'has revoked a token that a login in flight brings' do
      asked = false
      vault.trouble = lambda do |path, body|
        vault.trouble = nil
        asked = true
        sleep(0.3)
        vault.send(:answer, 'POST', path, {}, body)
      end
      job.run
      eventually { asked }
      shut_down
      expect([tokens.size, vault.revoked]).to eq([1, tokens])
    end

    it 'says a refusal, but not of a batch token, which cannot be revoked' do
      { 400 => [], 403 => [/the Vault token is not revoked: Vault \(cluster main\) answered 403: no/] }.each do |status, said|
        load_settings
        vault.trouble = nil
        sync.login
        vault.trouble = ->(*) { [status, { errors: ['no'] }] }
        shut_down
        expect(warnings).to match(said)
      end
    end

    it 'asks nothing where there was no login, or the token is of the parent process' do
      vault.trouble = ->(*) { [503, { errors: ['sealed'] }] }
      sync.login
      shut_down
      load_settings
      vault.trouble = nil
      sync.login
      child = fork do
        shut_down
      ensure
        exit!(0)
      end
      Process.wait(child)
      expect(vault.revoked).to eq([])
    end
  end

  it 'waits no longer than its bound for a Vault that hangs, once a boot, and gets the token later' do
    vault.trouble = :hang
    stub_const("#{described_class}::BOUND", 0.3)
    expect(seconds { sync.login }).to be_between(0.2, 1.9) # the gem vault gives up after 2 s
    deadline = sync.instance_variable_get(:@deadline)
    3.times { sync.login }
    expect(sync.instance_variable_get(:@deadline)).to eq(deadline)
    vault.trouble = nil
    vault.stop_hanging
    eventually { held }
    expect(held).to eq(tokens.last)
  end

  it 'waits for nothing where the system allows no more threads, at boot and at shutdown' do
    stub_const('Legion::Events', SmallLegionIO::Events.new)
    sync.login
    job.instance_variable_get(:@thread).kill.join
    load_settings
    stub_const("#{described_class}::BOUND", 30)
    sync.instance_variable_set(:@deadline, nil)
    allow(aws::Internal::OwnThread).to receive(:start).and_raise(ThreadError, "can't create Thread: Resource temporarily unavailable")
    expect(seconds { sync.login }).to be < 5
    settings.all[:client][:shutting_down] = true
    expect(seconds { Legion::Events.emit('service.shutdown') }).to be < 5
    expect(warnings).to match([/the Vault token is not revoked: no thread can be started for it/])
  end

  it 'waits no longer than its bound for credentials' do
    stub_const("#{described_class}::BOUND", 0.2)
    provider.define_singleton_method(:current_credentials) { sleep 3 }
    expect(seconds { sync.login }).to be_between(0.1, 1.5)
  end

  it 'warns once for each cause, and again after a success' do
    number = 0
    vault.trouble = ->(*) { [400, { errors: ["at 10:0#{number += 1}, request #{SecureRandom.uuid}"] }] }
    sync.login
    eventually { number > 5 }
    expect(warnings).to match([/no Vault token: Vault \(cluster main\) answered 400: at 10:01/])

    vault.trouble = ->(*) { [400, { errors: ['entry for role not found'] }] }
    eventually { warnings.size == 2 }
    vault.trouble = nil
    eventually { held }
    expect(warnings.last).to include('entry for role not found')
  end

  it 'keeps a token that lives through an outage and a refusal, and not beyond' do
    vault.lease_duration = 3
    sync.login
    vault.trouble = ->(*) { [503, { errors: ['sealed'] }] }
    eventually { warnings.any? }
    expect(held).to eq(tokens.first)
    eventually { held.nil? }
    expect(settings.dig(:crypt, :vault, :connected)).to be(false)
    expect(warnings).to match([/the Vault token is not renewed: .*sealed/, /no Vault token: .*sealed/])
    vault.trouble = nil
    eventually { held && held == tokens.last }
  end

  it 'takes the token back where the settings cannot be used any more' do
    sync.login
    settings.all[:identity][:aws] = { vault: { rol: 'worker' } }
    eventually { held.nil? }
    expect(warnings).to match([/vault\.rol does not exist\. Did you mean role/])
  end

  it 'touches no cluster that is logged in to in another way' do
    settings.all[:crypt][:vault][:clusters][:main].update(token: 'hvs.theirs', connected: true)
    sync.login
    expect([held, vault.logins]).to eq(['hvs.theirs', []])
    expect(warnings).to match([/clusters\.main has a token of its own/])
  end

  it 'goes on where LegionIO’s settings could not be written, and knows its token' do
    clusters = settings.all[:crypt][:vault][:clusters]
    failing = true
    clusters[:main].define_singleton_method(:update) do |fields|
      super(fields)
      raise IOError, 'half' if failing
    end
    sync.login
    expect(held).to eq(tokens.first)
    failing = false
    eventually { settings.dig(:crypt, :vault, :clusters, :main, :connected) && job.running? }
    looked_anew
    expect(held).to eq(tokens.last)
    expect(warnings).to match([/the Vault token is not renewed: IOError\n\z/])
  end

  it 'tries in the background where Legion::Crypt cannot be asked' do
    settings.all.delete(:crypt)
    sync.login
    expect(warnings).to match([/needs a cluster in crypt\.vault\.clusters/])
    load_settings
    eventually { held }
  end

  it 'replaces a token that comes later, as another node may pass its own on' do
    vault.trouble = ->(*) { [503, { errors: ['sealed'] }] }
    sync.login
    settings.all[:crypt][:vault][:clusters][:main].update(token: 'hvs.of another node', connected: true)
    vault.trouble = nil
    eventually { tokens.any? && held == tokens.last }
    settings.all[:crypt][:vault][:clusters][:main][:token] = 'hvs.of another node'
    eventually { tokens.size == 2 && held == tokens.last }
  end

  it 'warns once of an address without TLS on another machine' do
    stub_const("#{Legion::Extensions::Identity::Aws::LegionIO::VaultCluster}::IN_CLEAR", /127/)
    vault.renewable = false
    vault.lease_duration = 1
    sync.login
    eventually { vault.logins.size == 2 }
    expect(warnings).to match([/clusters\.main has protocol http, on another machine/])
  end

  it 'says nothing twice where AWS gives no credentials, and goes on' do
    failing = true
    credentials = provider.credentials
    provider.failing = true
    provider.define_singleton_method(:credentials) { failing ? raise(Legion::Extensions::Identity::Aws::AccessDeniedError, 'STS refused') : credentials }
    sync.login
    looked_anew
    expect([held, warnings]).to eq([nil, []])
    failing = false
    eventually { held }
  end

  it 'goes on in a forked child' do
    vault.lease_duration = 1
    sync.login
    reader, writer = IO.pipe
    pid = fork do
      vault.instance_variable_get(:@server).close
      sync.wake
      first = held
      load_settings(nil)
      load_settings
      500.times { held ? break : sleep(0.02) }
      writer.write([held != first, !held.nil?].inspect)
      exit!(0)
    end
    writer.close
    Process.wait(pid)
    expect(reader.read).to eq('[true, true]')
  end
end
