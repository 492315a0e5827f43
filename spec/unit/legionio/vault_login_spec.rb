# frozen_string_literal: true

require 'legion/extensions/identity/aws/legionio/vault_cluster'
require 'legion/extensions/identity/aws/legionio/vault_login'
require 'legion/extensions/identity/aws/legionio/vault_setting'
require 'support/local_vault'
require 'tmpdir'
require 'unit/legionio/support/small_legionio'
require 'unit/legionio/support/small_vault'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::VaultLogin do
  aws = Legion::Extensions::Identity::Aws

  subject(:login) { described_class.new(aws::LegionIO::VaultCluster.named(nil), request) }

  let(:vault) { LocalVault.start }
  let(:settings) { { crypt: { vault: { clusters: { main: vault.cluster } } } } }
  let(:given) { { role: 'worker', server_id: 'vault.example' } }
  let(:request) { aws::LegionIO::VaultSetting::Request.new(nil, 'worker', 'vault.example', given[:endpoint], 'aws/eu') }
  let(:secret) { 'canary/of+the/specs+0000' }
  let(:token) { 'FwoGcanary/session+token==' }
  let(:credentials) { aws::Credentials.new('ASIAEXAMPLE', secret, token) }

  before do
    stub_const('Legion::Settings', SmallLegionIO::Settings.new(settings))
    stub_const('Legion::Crypt', SmallVault::Crypt.new(settings))
    stub_const('Vault', SmallVault)
  end

  after { vault.stop }

  def failure
    yield
    raise 'nothing was raised'
  rescue Legion::Extensions::Identity::Aws::Error => e
    e
  end

  def seconds
    since = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    yield
    Process.clock_gettime(Process::CLOCK_MONOTONIC) - since
  end

  it 'gives the token, wrapped' do
    grant = login.login(credentials)
    expect(grant.to_h).to include(lease_duration: 3600, renewable: true)
    expect(grant.token.value).to eq(vault.tokens.last)
    expect(grant.inspect).not_to include('hvs.')
    expect(vault.logins).to match([include(path: '/v1/auth/aws/eu/login', role: 'worker', url: 'https://sts.amazonaws.com',
                                           headers: include('X-Vault-AWS-IAM-Server-ID' => 'vault.example'))])
  end

  it 'leaves LegionIO’s client as it is' do
    client = Legion::Crypt.vault_client(:main)
    login.login(credentials)
    expect([client.token, client.options]).to eq([nil, { address: "http://127.0.0.1:#{vault.port}", token: nil }])
  end

  it 'renews' do
    token = login.login(credentials).token
    vault.lease_duration = 120
    expect(login.renew(token).to_h).to include(token: token, lease_duration: 120)
    expect(vault.renewals).to eq([token.value])
  end

  it 'revokes' do
    token = login.login(credentials).token
    login.revoke(token)
    expect(vault.revoked).to eq([token.value])
    expect(failure { login.renew(token) }).to have_attributes(status: 403)
  end

  it 'says what Vault says, without what it was sent' do
    vault.trouble = :echo
    error = failure { login.login(credentials) }
    expect(error).to be_a(aws::ServiceError).and have_attributes(status: 400, outage?: false, cause: nil)
    expect(error.message).to match(/\AVault \(cluster main\) answered 400: no entry: .*\[secret\].*Compare identity\.aws\.vault/)
    [secret, token, '5197a70e' * 2, [JSON.generate(vault.logins.last[:headers])].pack('m0')[0, 40]].each do |one|
      expect(error.full_message(highlight: false)).not_to include(one)
    end
  end

  it 'hides a token that Vault says back at a renewal' do
    token = login.login(credentials).token
    vault.trouble = ->(*) { [403, { errors: ["bad token #{token.value}"] }] }
    expect(failure { login.renew(token) }.full_message(highlight: false)).to include('bad token [secret]').and(satisfy { |text| !text.include?(token.value) })
  end

  it 'is one line, whatever bytes Vault sends' do
    vault.trouble = ->(*) { [400, '{"errors": ["two\nlines \u001b[31m"]}'] }
    expect(failure { login.login(credentials) }.message).to include('two\nlines \u{1b}[31m')
  end

  {
    'no JSON'         => [200, 'hello', 'text/plain'],
    'no login'        => [200, '{}'],
    'no token'        => [200, '{"auth": {"client_token": "", "lease_duration": 1}}'],
    'no text'         => [200, '{"auth": {"client_token": 1, "lease_duration": 1}}'],
    'no duration'     => [200, '{"auth": {"client_token": "hvs.canary", "lease_duration": "soon"}}'],
    'an odd refusal'  => [400, 'no JSON, canary'],
    'an odd redirect' => [307, '::canary']
  }.each do |what, answer|
    it "is a typed error where the answer has #{what}" do
      vault.trouble = ->(*) { answer }
      error = failure { login.login(credentials) }
      expect(error).to be_a(aws::ServiceError).and have_attributes(cause: nil)
      expect(error.message).to start_with('Vault (cluster main)').and(satisfy { |text| !text.include?('canary') })
    end
  end

  it 'is an outage where Vault answers 429 or 5xx, or nobody does' do
    vault.trouble = ->(*) { [429, { errors: ['rate limit quota exceeded'] }] }
    expect(failure { login.login(credentials) }).to have_attributes(message: /answered 429: rate limit quota exceeded\. It may pass/, outage?: true)
    vault.trouble = ->(*) { [503, { errors: ['Vault is sealed'] }] }
    sealed = failure { login.login(credentials) }
    expect(sealed).to have_attributes(message: /answered 503: Vault is sealed\. Check crypt\.vault\.clusters\.main/, outage?: true)
    vault.stop
    expect(failure { login.login(credentials) }).to be_a(aws::ConnectionError)
      .and have_attributes(message: /cannot be reached: Errno::ECONNREFUSED/, outage?: true)
  end

  it 'waits for an answer, and for one that comes byte by byte, as long as its limit' do
    vault.trouble = :hang
    error = nil
    expect(seconds { error = failure { login.login(credentials) } }).to be_between(1.9, 12.5)
    expect(error).to be_a(aws::TimeoutError).and have_attributes(message: /gave no answer within 2\.5 s/, outage?: true)

    server = TCPServer.new('127.0.0.1', 0)
    slow = Thread.new { server.accept.then { |client| loop { client.write('H') && sleep(0.3) } } }
    slow.report_on_exception = false
    settings[:crypt][:vault][:clusters] = { slow: { protocol: 'http', address: '127.0.0.1', port: server.addr[1] } }
    expect(seconds { failure { described_class.new(aws::LegionIO::VaultCluster.named(nil), request).login(credentials) } }).to be_between(2.3, 12.5)
  ensure
    slow&.kill
    server&.close
  end

  it 'follows a redirection, but not out of TLS' do
    client = SmallVault::Client.new(address: 'https://vault.example').extend(aws::LegionIO::VaultCall.const_get(:OneCall, false))
    expect(client.build_uri(:post, 'https://other.example/v1/x').host).to eq('other.example')
    expect { client.build_uri(:post, 'http://vault.example/v1/x') }.to raise_error(aws::ServiceError, /without TLS/)
  end

  it 'ends redirections that lead to themselves' do
    asked = 0
    vault.trouble = ->(path, _) { [307, "http://127.0.0.1:#{vault.port}#{path}"].tap { asked += 1 } }
    expect(failure { login.login(credentials) }).to be_a(aws::ServiceError).and have_attributes(message: /^Vault \(cluster main\): It redirects more/)
    expect(asked).to eq(5)
  end

  # A time-out within a require leaves a library half loaded.
  it 'loads what signs the request before its time begins' do
    stub_const("#{aws::LegionIO::VaultCall}::LIMIT", 1.5)
    Dir.mktmpdir do |folder|
      File.write("#{folder}/aws-sigv4.rb", 'sleep 2')
      $LOAD_PATH.unshift(folder)
      allow_any_instance_of(SmallVault::Client).to receive(:aws_iam).and_wrap_original do |original, *given|
        require 'aws-sigv4'
        original.call(*given)
      end
      expect(login.login(credentials).token.value).to eq(vault.tokens.last)
    ensure
      $LOAD_PATH.delete(folder)
      $LOADED_FEATURES.delete("#{folder}/aws-sigv4.rb")
    end
  end

  it 'says which STS endpoints the gem vault takes' do
    given[:endpoint] = 'https://sts-fips.us-east-1.amazonaws.com'
    expect(failure { login.login(credentials) }).to be_a(aws::ConfigurationError)
      .and have_attributes(message: /vault 0\.20\.1 finds no region.*sts\.REGION\.amazonaws\.com\.cn/)
  end

  it 'says which gem is missing' do
    allow_any_instance_of(SmallVault::Client).to receive(:aws_iam).and_raise(LoadError, 'cannot load such file -- aws-sigv4')
    expect(failure { login.login(credentials) }).to be_a(aws::ConfigurationError)
      .and have_attributes(message: /cannot load such file -- aws-sigv4\. Add gem 'aws-sigv4' to LegionIO's Gemfile/)
  end
end
