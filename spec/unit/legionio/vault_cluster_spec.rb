# frozen_string_literal: true

require 'legion/extensions/identity/aws/legionio/vault_cluster'
require 'legion/extensions/identity/aws/legionio/vault_login'
require 'unit/legionio/support/small_legionio'
require 'unit/legionio/support/small_vault'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::VaultCluster do
  aws = Legion::Extensions::Identity::Aws

  let(:settings) { { crypt: { vault: { clusters: { main: { protocol: 'http', address: 'h', port: 1 }, other: {} } } } } }
  let(:crypt) { SmallVault::Crypt.new(settings) }
  let(:cluster) { described_class.named('main') }
  let(:config) { settings.dig(:crypt, :vault, :clusters, :main) }
  let(:grant) { aws::LegionIO::VaultLogin::Grant.new(secret('hvs.one'), 60, true) }

  before do
    stub_const('Legion::Settings', SmallLegionIO::Settings.new(settings))
    stub_const('Legion::Crypt', crypt)
    stub_const('Vault', SmallVault)
  end

  def secret(text) = aws_secret.new(text)
  def aws_secret = Legion::Extensions::Identity::Aws::Internal::Secret

  it 'is the one that is named, else LegionIO’s default, else the only one' do
    expect(described_class.named('other').name).to eq(:other)
    settings[:crypt][:vault][:default] = 'other'
    expect(described_class.named(nil).name).to eq(:other)
    settings[:crypt][:vault] = { clusters: { only: {} } }
    expect(described_class.named(nil).name).to eq(:only)
  end

  it 'is none of several by chance, and none that is not there' do
    expect { described_class.named(nil) }.to raise_error(aws::ConfigurationError, /names no cluster.*main, other/)
    expect { described_class.named('mian') }.to raise_error(aws::ConfigurationError, /has no mian: there are main, other/)
  end

  it 'is not the Vault of the single form, whose token any node may ask for' do
    settings[:crypt][:vault] = { address: 'vault.example', port: 8200, clusters: {} }
    expect { described_class.named(nil) }.to raise_error(aws::ConfigurationError, /crypt\.vault\.address is not taken: lex-node gives the token/)
  end

  it 'takes a LegionIO that has Legion::Crypt' do
    hide_const('Legion::Crypt')
    expect { described_class.named(nil) }.to raise_error(aws::ConfigurationError, /without Legion::Crypt/)
  end

  it 'gets a token as by a login of LegionIO’s own, and loses it' do
    cluster.take(grant)
    expect(config).to include(token: 'hvs.one', lease_duration: 60, renewable: true, connected: true)
    expect(crypt.vault_client(:main).token).to eq('hvs.one')
    expect(settings.dig(:crypt, :vault, :connected)).to be(true)
    expect([cluster.holds?(grant.token), cluster.holds?(secret('hvs.two')), cluster.holds?(nil)]).to eq([true, false, false])

    cluster.withdraw(grant.token)
    expect(config).to include(token: nil, connected: false)
    expect(crypt.vault_client(:main).token).to be_nil
    expect(settings.dig(:crypt, :vault, :connected)).to be(false)
  end

  it 'keeps what is not ours, and the mark of another cluster' do
    config[:token] = 'hvs.theirs'
    cluster.withdraw(grant.token)
    expect(config[:token]).to eq('hvs.theirs')

    settings.dig(:crypt, :vault, :clusters, :other).update(token: 'x', connected: true)
    config[:token] = nil
    cluster.take(grant)
    cluster.withdraw(grant.token)
    expect(settings.dig(:crypt, :vault, :connected)).to be(true)
  end

  it 'is left to whoever else logs in to it' do
    expect { cluster.refuse_other_login(ours: false) }.not_to raise_error
    config[:token] = 'hvs.theirs'
    expect { cluster.refuse_other_login(ours: false) }.to raise_error(aws::ConfigurationError, /clusters\.main has a token of its own/)
    expect { cluster.refuse_other_login(ours: true) }.not_to raise_error
    config.update(token: nil, auth_method: 'kerberos')
    expect { cluster.refuse_other_login(ours: true) }.to raise_error(aws::ConfigurationError, /clusters\.main has the auth_method kerberos/)
  end

  it 'is dangerous without TLS on another machine' do
    { 'http' => %w[vault.example 10.0.0.1 localhost.example], 'HTTP' => %w[h] }.each do |protocol, addresses|
      addresses.each do |address|
        settings[:crypt][:vault][:clusters] = { address.to_sym => { protocol: protocol, address: address, port: 1 } }
        expect(described_class.named(nil).danger).to match(/clusters\.#{address} has protocol http/)
      end
    end
    [%w[http localhost], %w[http 127.0.0.1], ['http', '[::1]'], %w[https vault.example]].each do |protocol, address|
      settings[:crypt][:vault][:clusters] = { "#{protocol}#{address}": { protocol: protocol, address: address, port: 1 } }
      expect(described_class.named(nil).danger).to be_nil, address
    end
  end

  it 'gives the options of LegionIO’s client without its token' do
    config[:token] = 'hvs.theirs'
    expect(cluster.options).to eq(address: 'http://h:1', token: nil)
  end
end
