# frozen_string_literal: true

require 'legion/extensions/identity/aws/doctor'
require 'unit/legionio/support/small_legionio'
require 'unit/legionio/support/small_vault'

RSpec.describe 'The doctor, looking at identity.aws.vault,' do
  let(:config) { { protocol: 'http', address: 'h', port: 1 } }
  let(:vault) { { role: 'worker' } }
  let(:settings) { { identity: { aws: { vault: vault }.compact }, crypt: { vault: { clusters: { main: config } } } } }

  before do
    stub_const('Legion::Settings', SmallLegionIO::Settings.new(settings))
    stub_const('Legion::Crypt', SmallVault::Crypt.new(settings))
  end

  def findings = Legion::Extensions::Identity::Aws::Doctor::Vault.new.findings

  it 'says nothing without the setting' do
    settings[:identity] = { aws: {} }
    expect(findings).to eq([])
  end

  it 'says whether the cluster is logged in to' do
    expect(findings).to match([have_attributes(status: :warn, what: 'cluster main is not logged in to', remedy: /LegionIO's log/)])
    config.update(token: 'hvs.canary', connected: true)
    expect(findings).to match([have_attributes(status: :ok, to_s: 'vault, login: cluster main is logged in to')])
    expect(findings.inspect).not_to include('canary')
  end

  it 'says that another login is in the way' do
    config.update(token: 'hvs.canary', connected: true, auth_method: 'kerberos')
    expect(findings).to match([have_attributes(status: :warn, what: /main has the auth_method kerberos, beside identity\.aws\.vault/)])
  end

  it 'says what is wrong with the setting' do
    vault[:mont] = 'aws'
    expect(findings).to match([have_attributes(status: :warn, what: /vault\.mont does not exist\. Did you mean mount/)])
    settings[:crypt] = nil
    vault.delete(:mont)
    expect(findings).to match([have_attributes(status: :warn, what: 'LegionIO cannot be asked: NoMethodError')])
  end

  it 'examines the settings of LegionIO\'s files, outside of it' do
    found = lambda do |vault|
      Legion::Extensions::Identity::Aws::Doctor::Vault.new(Legion::Extensions::Identity::Aws::Internal::Secret.new({ 'vault' => vault })).findings
    end
    expect(found[{ 'role' => 'worker', 'cluster' => 'main' }]).to match([have_attributes(status: :ok, what: 'LegionIO logs in to cluster main as role worker')])
    expect(found[{ 'rol' => 'worker' }]).to match([have_attributes(status: :warn, what: /vault\.rol does not exist\. Did you mean role/)])
    expect(found[{ 'role' => 'env://ROLE' }]).to match([have_attributes(status: :skipped, what: /not resolved yet/)])
    expect(found[nil]).to eq([])
  end

  it 'is part of the report' do
    with_env(local_aws.env_with_keys) { expect(Legion::Extensions::Identity::Aws.doctor.findings.map(&:check)).to include('vault') }
  end
end
