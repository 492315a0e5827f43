# frozen_string_literal: true

require 'legion/extensions/identity/aws/legionio/vault_setting'
require 'unit/legionio/support/small_legionio'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::VaultSetting do
  aws = Legion::Extensions::Identity::Aws

  let(:legion) { SmallLegionIO.new }

  before { stub_const('Legion::Settings', legion.settings) }

  def request(vault)
    legion.settings.all = { identity: { aws: { vault: vault } } }
    described_class.request
  end

  it 'is not there unless it is given' do
    [{}, { identity: nil }, { identity: { aws: {} } }, { identity: { aws: { vault: nil } } }].each do |settings|
      legion.settings.all = settings
      expect(described_class).not_to be_given
    end
  end

  it 'is the role, with Vault’s and LegionIO’s defaults' do
    expect(request({ role: 'worker' }).to_h).to eq(cluster: nil, role: 'worker', server_id: nil, endpoint: nil, mount: 'aws')
    expect(described_class).to be_given
  end

  it 'takes every key, in Strings too' do
    all = { 'cluster' => 'main', 'role' => 'worker', 'server_id' => 'vault.example', 'endpoint' => 'https://sts.eu-west-1.amazonaws.com', 'mount' => 'aws/eu' }
    expect(request(all).to_a).to eq(all.values)
    expect(request(all)).to eq(request(all)).and be_frozen
  end

  it 'takes a mount as it is written elsewhere' do
    %w[aws/eu auth/aws/eu /auth/aws/eu/ /aws/eu/ aws/eu/].each { |mount| expect(request({ role: 'r', mount: mount }).mount).to eq('aws/eu') }
  end

  {
    'a text'                 => ['worker', /is of class String\. Write an object/],
    'a list'                 => [[], /is of class Array/],
    'false'                  => [false, /is of class FalseClass/],
    'no role'                => [{}, /has no role/],
    'a misspelt key'         => [{ role: 'r', sever_id: 'x' }, /vault\.sever_id does not exist\. Did you mean server_id\? It takes cluster, role, server_id/],
    'an unknown key'         => [{ role: 'r', token: 'hvs.x' }, /vault\.token does not exist\. It takes/],
    'a number'               => [{ role: 1 }, /vault\.role is of class Integer/],
    'bytes'                  => [{ role: "r\xFF" }, /vault\.role is blank, or no text/],
    'a blank text'           => [{ role: 'r', cluster: ' ' }, /vault\.cluster is blank/],
    'a mount that leads out' => [{ role: 'r', mount: '../sys' }, /vault\.mount is no path/],
    'a mount with a query'   => [{ role: 'r', mount: 'aws?x' }, /vault\.mount/]
  }.each do |what, (given, words)|
    it "refuses #{what}" do
      expect { request(given) }.to raise_error(aws::ConfigurationError, words)
    end
  end

  it 'is not ready while a reference is not resolved' do
    ['vault://secret/x#role', 'env://ROLE', ['lease://x#y']].each do |reference|
      expect { request({ role: reference }) }.to raise_error(aws::NotReadyError, /not resolved yet/)
    end
  end

  it 'makes no new session' do
    fingerprint = lambda do |settings|
      layers = aws::Internal::Layers.of(aws::Internal::Secret.new({}), settings: aws::Internal::Secret.new(settings))
      aws::Internal::Layers.fingerprint(layers)
    end
    expect(fingerprint.call({ vault: { role: 'x' } })).to eq(fingerprint.call({}))
  end
end
