# frozen_string_literal: true

require 'legionio/support/boots'
require 'support/local_vault'

RSpec.describe 'LegionIO with identity.aws.vault', order: :defined do
  planted = 'canary-of-the-vault-0000'

  # Lite mode with Legion::Crypt. The reference stands where LegionIO itself reads nothing.
  settings = lambda do |vault, **given|
    { **LegionIO::PHASE_ZERO, crypt: { vault: { clusters: { main: vault.cluster } } }, demo: { password: 'vault://secret/data/demo#password' },
      identity: { aws: { role_arn: BootQuestions::WORKER, vault: { role: 'worker', server_id: 'vault.example', **given } } } }
  end

  attr_reader :vault

  after(:context) { @vault&.stop }

  define_method(:in_front_of) { |aws| @vault = LocalVault.start(aws: aws.http, secrets: { 'secret/data/demo' => { password: planted } }) }

  def cluster = legion.ask('{ **Legion::Crypt.cluster(:main).slice(:token, :connected, :lease_duration, :renewable) }')
  def password = legion.ask('Legion::Settings.dig(:demo, :password)')
  def warnings = legion.lines_of_ours.grep(/ WARN /)

  describe 'and a Vault that is there' do
    boots { |aws| { settings: settings.call(in_front_of(aws), endpoint: 'https://sts.eu-west-1.amazonaws.com'), lite: false, api: false } }

    it 'has a vault:// reference resolved at boot' do
      expect(password).to eq(planted)
    end

    it 'has logged in once as the role of the process, with a request that STS takes' do
      expect(vault.logins).to match([include(path: '/v1/auth/aws/login', role: 'worker', url: 'https://sts.eu-west-1.amazonaws.com',
                                             arn: start_with('arn:aws:sts::123456789012:assumed-role/legion-worker/'),
                                             headers: include('X-Vault-AWS-IAM-Server-ID' => 'vault.example'))])
      expect(vault.logins.first[:headers].find { |name, _| name.casecmp?('authorization') }.last).to include('x-vault-aws-iam-server-id')
      expect(legion.lines_of_ours).to include(/ INFO .*Vault: cluster main is logged in to as role worker; its token lives 3600 s/)
      expect(warnings).to be_empty
    end

    it 'has the token where LegionIO looks for it' do
      expect(cluster).to include(token: vault.tokens.last, connected: true, lease_duration: 3600, renewable: true)
      expect(legion.ask('[Legion::Crypt.vault_connected?, Legion::Crypt.connected_clusters.keys]')).to eq([true, [:main]])
      expect(legion.ask("Legion::Crypt.read('secret/data/demo')")).to eq(password: planted)
    end

    it 'shows the token in no line and no file' do
      shown = [legion.log.b, *Dir.glob("#{legion.home}/**/*", File::FNM_DOTMATCH).select { |path| File.file?(path) }.map { |path| File.binread(path) }]
      expect(shown.grep(/#{vault.tokens.last[0, 16]}/n)).to be_empty
    end

    it 'renews the token' do
      vault.lease_duration = 2
      legion.ask('Legion::Crypt.cluster(:main)[:token] = nil; nil')
      legion.wait_for { vault.renewals.size >= 2 }
      expect(vault.logins.size).to eq(2)
      expect(cluster[:token]).to eq(vault.tokens.last)
      vault.lease_duration = 3600
    end

    it 'logs in anew when a reload has lost the token, in time for the references' do
      before = vault.tokens.size
      legion.ask('begin; Legion.reload; rescue StandardError; nil; end; nil', timeout: 60) # it raises NoMethodError at its end
      expect(vault.tokens.size).to be > before
      expect(cluster).to include(token: vault.tokens.last, connected: true)
      expect(password).to eq(planted)
      expect(warnings).to be_empty
    end

    # Once the parts of LegionIO that use it have ended.
    it 'shuts down, and has revoked the token then' do
      in_use = vault.tokens.last
      _, status = legion.stop
      expect(status).to be_success
      expect(vault.revoked).to eq([in_use])
      last = legion.log.lines.grep(/Crypt shutdown completed|Vault: the token of/).last(2) # the reload has ended Legion::Crypt as well
      expect(last).to match([/shutdown completed/, /cluster main is revoked/])
      expect(warnings).to be_empty
    end
  end

  describe 'and a Vault that hangs' do
    boots do |aws|
      in_front_of(aws).trouble = :hang
      { settings: settings.call(vault), lite: false }
    end

    it 'has its name all the same, and one warning' do
      expect(identity).to include(canonical_name: 'legion-worker', kind: 'machine', trust: 'verified', profile: { aws: include(account: '123456789012') })
      expect(warnings).to match([/no Vault token: Vault \(cluster main\) gave no answer within 2\.5 s/])
      expect(password).to start_with('vault://')
    end

    it 'says what Vault says, without the secrets it was sent' do
      vault.trouble = :echo
      vault.stop_hanging
      # A login that hung until now ends in a warning of its own.
      said = legion.wait_for do
        legion.ask('Legion::Identity::Resolver.resolve!; nil')
        warnings.find { |line| line.include?('answered') }
      end
      expect(said).to match(/answered 400: no entry: .*\[secret\]/)
      secrets = vault.logins.map { |login| login[:headers] }.flat_map do |given|
        headers = given.transform_keys(&:downcase)
        [headers['x-amz-security-token'], headers['authorization'][/Signature=(\w+)/, 1], [JSON.generate(given)].pack('m0')]
      end
      everything_shown.product(secrets) { |text, secret| expect(text).not_to include(secret[0, 24].b) }
    end

    it 'has a token once Vault is itself again' do
      vault.trouble = nil
      legion.ask('Legion::Identity::Resolver.resolve!; nil')
      legion.wait_for { cluster[:token] }
      expect(legion.ask("Legion::Crypt.read('secret/data/demo')")).to eq(password: planted)
      expect(JSON.generate(legion.api('/api/settings'))).not_to include(vault.tokens.last)
    end
  end

  describe 'and --lite, which has no Legion::Crypt' do
    boots { |aws| { settings: settings.call(in_front_of(aws)) } }

    it 'has its name and one warning' do
      expect(identity).to include(canonical_name: 'legion-worker')
      expect(warnings).to match([/identity\.aws\.vault cannot log in: LegionIO runs without Legion::Crypt/])
    end
  end
end
