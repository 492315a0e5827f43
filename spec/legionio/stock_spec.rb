# frozen_string_literal: true

require 'legionio/support/boots'

RSpec.describe 'LegionIO with stock settings', order: :defined do
  roles = { partner: { role_arn: 'arn:aws:iam::210987654321:role/partner' } }
  boots { { gems: %w[ours consumers], settings: { identity: { aws: { role_arn: BootQuestions::WORKER, roles: roles } } } } }

  it 'shows name, alias, trust and facts' do
    expect(identity).to include(
      canonical_name: 'legion-worker', kind: 'machine', source: 'aws', trust: 'verified', resolved: true,
      aliases:   { aws: [BootQuestions::WORKER] },
      providers: { aws: include(status: 'resolved', trust: 'verified'), aws_profile: include(status: 'resolved') },
      profile:   { aws: include(account: '123456789012', partition: 'aws', region: 'eu-west-1', role: 'legion-worker', kind: 'role',
                                principal_arn: BootQuestions::WORKER, arn: %r{assumed-role/legion-worker/}) }
    )
  end

  it 'has each provider registered once, and no actor of ours' do
    expect(identity[:registered_providers].map { |provider| provider.slice(:name, :type) })
      .to eq([{ name: 'aws', type: 'auth' }, { name: 'aws_profile', type: 'profile' }])
    expect(legion.ask("#{BootQuestions::OURS}.actors.keys")).to be_empty
  end

  it 'is known for what it says it does' do
    understood = legion.ask(<<~RUBY)
      require 'legion/sandbox'
      said = Legion::Extensions.send(:read_gemspec_capabilities, 'lex-identity-aws')
      Legion::Sandbox::Policy.new(extension_name: 'lex-identity-aws', capabilities: said).capabilities
    RUBY
    expect(understood).to eq(%w[network:outbound filesystem:read filesystem:write])
  end

  it 'writes one principal, one identity, and identity.json' do
    expect(legion.rows(:identity_principals)).to match([include(canonical_name: 'legion-worker', kind: 'machine')])
    expect(legion.rows(:identities)).to match([include(provider_identity_key: BootQuestions::WORKER)])
    expect(JSON.parse(File.read("#{legion.home}/.legionio/settings/identity.json"))).to eq('canonical_name' => 'legion-worker', 'kind' => 'machine')
  end

  it 'is told in one line who it is, and how to know it earlier' do
    expect(legion.lines_of_ours).to match(
      [/ INFO .*is legion-worker in account 123456789012 \(environment > assume role \S+, \d+ ms\)\. .*phase 1.*run \S+ legionio --write, or put .*"phase":0/]
    )
  end

  it 'asks STS once for all that' do
    legion.wait_for { token(:partner) } # roles are leased in the background
    expect([calls('AssumeRole'), calls('GetCallerIdentity')]).to eq([1 + roles.size, 1])
  end

  it 'leases the credentials, those of a qualifier too' do
    lease = "#{BootQuestions::BROKER}.credentials_for(:aws)[:lease]"
    expect(legion.ask("#{lease}.valid? && #{lease}.credentials.session_token.size")).to be > 10
    fields = legion.ask(<<~RUBY)
      current = #{BootQuestions::BROKER}.renewer_for(:aws).provider.current_credentials
      [current.access_key_id, current.secret_access_key, current.session_token, current.set?]
    RUBY
    expect(fields).to match([token, match(/\S{20,}/), match(/\S{20,}/), true])
    expect(token(:partner)).to match(/\AASIA/)
    expect(token(:partner)).not_to eq(token)
  end

  it 'serves lex-bedrock’s own client, which signs with them' do
    legion.ask(<<~RUBY)
      ENV['AWS_ENDPOINT_URL_BEDROCK_RUNTIME'] = #{aws.http.inspect}
      client = Legion::Extensions::Bedrock::Helpers::Client.bedrock_runtime_client(region: 'eu-west-1')
      client.converse(model_id: 'model', messages: [{ role: 'user', content: [{ text: 'hello' }] }]) rescue nil # there is no fake Bedrock
    RUBY
    expect(aws.requests).to include(include(path: '/model/model/converse', access_key_id: token)) # LegionIO renews meanwhile
  end

  it 'serves an AWS client, whose signature is good' do
    arn = legion.ask(<<~RUBY)
      require 'aws-sdk-sts'
      credentials = #{BootQuestions::BROKER}.renewer_for(:aws).provider.current_credentials
      Aws::STS::Client.new(credentials: credentials, region: 'eu-west-1', endpoint: #{aws.http.inspect}).get_caller_identity.arn
    RUBY
    expect(arn).to start_with('arn:aws:sts::123456789012:assumed-role/legion-worker/')
  end

  it 'gets a new renewer where the old one was killed' do
    old = "#{BootQuestions::BROKER}.renewer_for(:aws)"
    legion.ask("$old = #{old}; $old.instance_variable_get(:@thread).kill; nil")
    use
    legion.wait_for { legion.ask("#{old}.alive? && !#{old}.equal?($old)") }
    expect(token).to match(/\AASIA/)
  end

  it 'serves the grandchild of a double fork with fresh credentials and identity, where LegionIO’s logging raises' do
    before = token
    key, name, arn, logging, refused = legion.ask(<<~RUBY)
      read, write = IO.pipe
      fork do
        Process.setsid
        fork do
          Dir.chdir '/'
          aws = #{BootQuestions::OURS}
          found = [#{BootQuestions::BROKER}.renewer_for(:aws).provider.current_credentials.refresh!.access_key_id,
                   aws::Identity.resolve[:canonical_name], aws::Identity.resolve[:metadata][:arn]]
          raised = ->(&block) { block.call && nil rescue $!.class.name }
          found << raised.call { Legion::Logging.warn('from the grandchild') }
          Legion::Settings.loader.settings[:identity] = { aws: { role_arn: 'arn:aws:iam::123456789012:role/forbidden', nonsense: 1 } } # warns twice
          found << raised.call { aws::Identity.resolve }
          write.write(Marshal.dump(found))
          write.close
          exit!(0)
        end
        exit!(0)
      end
      write.close
      Process.wait
      Marshal.load(read.read)
    RUBY
    expect(key).to match(/\AASIA/)
    expect(key).not_to eq(before)
    expect([name, arn]).to match(['legion-worker', %r{assumed-role/legion-worker}])
    expect([logging, refused]).to eq(['ClosedQueueError', "#{BootQuestions::OURS}::AccessDeniedError"])
    expect(token).to eq(before)
  end

  it 'switches the role when the settings do, without a reload' do
    before = token
    change_settings(role_arn: BootQuestions::DEPLOYER, roles: {})
    key = use
    legion.wait_for { token == key }
    legion.wait_for { identity[:canonical_name] == 'deployer' }
    expect(key).not_to eq(before)
    expect(identity).to include(trust: 'verified', aliases: { aws: ['arn:aws:iam::123456789012:role/deployer'] })
    expect(token(:partner)).to be_nil
  end

  it 'shows no secret in log, API, database or files' do
    secrets = aws.world['users'].each_value.filter_map { |user| user['secret_access_key'] }
    secrets += legion.ask(<<~RUBY)
      ObjectSpace.each_object(#{BootQuestions::OURS}::Credentials).flat_map { |one| [one.secret_access_key, one.session_token] }.compact.uniq
    RUBY
    shown = everything_shown
    expect(secrets.size).to be >= 4
    expect(shown.size).to be >= 9
    expect(secrets.select { |secret| shown.any? { |text| text.include?(secret.b) } }).to be_empty
  end

  # The last one. LegionIO waits 5 s for its database by itself.
  it 'ends in time on SIGTERM, with a call of a renewer’s in flight' do
    aws.rule(service: :sts, action: 'AssumeRole', hold: true)
    in_call = legion.ask(<<~RUBY)
      provider = #{BootQuestions::BROKER}.renewer_for(:aws).provider
      lease = Legion::Identity::Lease.new(provider: :aws, credential: 'x', expires_at: Time.now + 1, renewable: true)
      #{BootQuestions::BROKER}.register_provider(:aws, provider: provider, lease: lease) # soon to be renewed
      Thread.new { provider.current_credentials.refresh! }.report_on_exception = false
      thread = -> { #{BootQuestions::BROKER}.renewer_for(:aws).instance_variable_get(:@thread) }
      (1..500).any? { thread.call.backtrace.to_a.grep(/provide_token/).any? || (sleep(0.02) && false) }
    RUBY
    expect(in_call).to be(true)
    seconds, status = legion.stop
    tell('SIGTERM with a call in flight: ended after %.1f s', seconds)
    expect(seconds).to be < 12
    expect(status).to be_success
    expect(legion.log).to include('Legion has shutdown. Goodbye!')
  end
end
