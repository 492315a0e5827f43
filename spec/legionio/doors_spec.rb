# frozen_string_literal: true

require 'legionio/support/boots'

# What a LegionIO has of its AWS identity beside a name and credentials: tokens for other systems, credentials with less power, and clients of
# aws-sdk-ruby that other extensions make.
RSpec.describe 'LegionIO with tokens, scoped roles and clients of aws-sdk-ruby' do
  policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
  forbidden = 'arn:aws:iam::123456789012:role/forbidden'

  def lease(qualifier) = legion.ask("#{BootQuestions::BROKER}.lease_for(:aws, qualifier: #{qualifier.inspect})&.then { |lease| #{yield} }")

  def claims(jwt) = JSON.parse(jwt.split('.')[1].tr('-_', '+/').unpack1('m'))

  # The lines of ours above info, without their time.
  def warnings = legion.lines_of_ours.grep(/ (WARN|ERROR) /)

  describe 'as the settings say', order: :defined do
    # As lex-s3, lex-sqs and lex-lambda make their clients; STS is the service that says who calls.
    client = <<~RUBY
      arn = lambda do |region: 'us-east-2', access_key_id: nil, secret_access_key: nil, endpoint: nil, **_opts|
        config = { region: region }
        config[:access_key_id] = access_key_id if access_key_id
        config[:secret_access_key] = secret_access_key if secret_access_key
        config[:endpoint] = endpoint if endpoint
        Aws::STS::Client.new(**config).get_caller_identity.arn
      end
    RUBY

    boots do |aws|
      @folder = Dir.mktmpdir('tokens')
      aws.rule(service: :sts, action: 'GetWebIdentityToken', lifetime_seconds: 15)
      tokens = { rabbitmq: { kind: 'identity', audience: 'mq', file: "#{@folder}/mq.jwt" },
                 narrow:   { kind: 'identity', audience: 'vault', role: 'reader' },
                 database: { kind: 'rds', host: 'db', port: 5432, user: 'app', file: "#{@folder}/password" },
                 denied:   { kind: 'msk', role: 'forbidden', file: "#{@folder}/denied" } }
      roles = { reader: { scope_policy: policy, scope_duration: 900 }, forbidden: forbidden }
      identity = { aws: { role_arn: BootQuestions::WORKER, sdk_default: true, roles: roles, tokens: tokens } }
      { gems: %w[ours consumers], settings: { **LegionIO::PHASE_ZERO, identity: identity } }
    end
    after(:context) { FileUtils.rm_rf(@folder) }
    attr_reader :folder

    it 'signs what other extensions send with the role of the process, by one AssumeRole' do
      arns = legion.ask("#{client}\nArray.new(3) { arn.call(endpoint: '#{aws.http}') }")
      expect(arns.uniq).to match([%r{assumed-role/legion-worker/}])
      roles = aws.requests(service: :sts, action: 'AssumeRole').map { |call| call[:params]['RoleArn'] }
      expect(roles - [forbidden]).to eq([BootQuestions::WORKER]) # the forbidden one is tried again and again
    end

    it 'leaves the keys of a call, and what an application has set, their place' do
      keys = aws.world.fetch('users').fetch('arn:aws:iam::123456789012:user/platform/build/carol').values_at('access_key_id', 'secret_access_key')
      said = legion.ask(<<~RUBY)
        #{client}
        call = arn.call(endpoint: '#{aws.http}', access_key_id: #{keys[0].inspect}, secret_access_key: #{keys[1].inspect})
        Aws.config[:credentials] = Aws::Credentials.new(*#{keys.inspect})
        set = arn.call(endpoint: '#{aws.http}')
        Aws.config.delete(:credentials)
        [call, set, arn.call(endpoint: '#{aws.http}')[/role.*/]]
      RUBY
      expect(said).to match(['arn:aws:iam::123456789012:user/platform/build/carol', 'arn:aws:iam::123456789012:user/platform/build/carol',
                             %r{role/legion-worker}])
    end

    it 'takes the setting back without a restart' do
      ask = "#{client}\narn.call(endpoint: '#{aws.http}')"
      settings = 'Legion::Settings.loader.settings[:identity][:aws]'
      expect(legion.ask("#{settings}[:sdk_default] = false; #{ask}")).to end_with('user/demo')
      expect(legion.ask("#{settings}[:sdk_default] = true; #{ask}")).to include('legion-worker')
    end

    it 'leases tokens as qualifiers, with a class of their own that shows none of them' do
      legion.wait_for { %i[rabbitmq narrow database].all? { |name| token(name) } }
      expect([claims(token(:rabbitmq)), claims(token(:narrow))])
        .to match([include('aud' => 'mq', 'sub' => BootQuestions::WORKER), include('aud' => 'vault', 'sub' => BootQuestions::WORKER)])
      expect(token(:database)).to start_with('db:5432/?').and include('%2Frds-db%2F')
      expect(lease(:rabbitmq) { 'lease.class.ancestors.first(2).map(&:name)' }.first).to eq("#{BootQuestions::OURS}::LegionIO::TokenLease")
      secret, shown = lease(:rabbitmq) { '[lease.token, [lease.inspect, lease.metadata, lease.to_h].inspect]' }
      expect(shown).to include('kind').and(satisfy { |text| !text.include?(secret[0, 20]) })
    end

    it 'gives a scoped role credentials of its own that are the same identity' do
      expect(token(:reader)).to match(/\AASIA/).and(satisfy { |key| key != token })
      call = aws.requests(service: :sts, action: 'GetScopedCredentials').first
      expect(call[:params]).to include('Policy' => policy, 'DurationSeconds' => '900')
      expect(call[:access_key_id]).to eq(token)
      expect(legion.ask("#{BootQuestions::OURS}::Identity.session(:reader).identity.arn")).to match(%r{assumed-role/legion-worker/})
      expect(lease(:reader) { 'lease.expires_at - lease.issued_at' }).to be_within(10).of(900)
    end

    it 'has nil where a token cannot be had, never the key id, with one warning' do
      legion.wait_for { warnings.grep(/tokens\.denied cannot be leased/).any? }
      expect(token(:denied)).to be_nil
      expect(lease(:denied) { 'lease.credential' }).to be_nil
      expect(warnings.grep(/tokens\.denied cannot be leased: .*AccessDenied/).size).to eq(1)
      expect(File.exist?("#{folder}/denied")).to be(false)
      expect(warnings.grep_v(/identity\.aws\.(tokens\.denied|roles\.forbidden) cannot be leased/)).to eq([])
    end

    it 'writes the file of a token for its owner only, and again with each token', timeout: 60 do
      first = token(:rabbitmq)
      legion.wait_for(timeout: 40) { token(:rabbitmq) && token(:rabbitmq) != first }
      legion.wait_for { File.read("#{folder}/mq.jwt") == token(:rabbitmq) }
      expect(Dir.children(folder).sort).to eq(%w[mq.jwt password])
      expect(Dir.children(folder).map { |name| format('%o', File.stat("#{folder}/#{name}").mode) }.uniq).to eq(%w[100600])
      expect(File.read("#{folder}/password")).to eq(token(:database))
    end

    it 'shows no token anywhere' do
      secrets = legion.ask("%i[rabbitmq narrow database].map { |name| #{BootQuestions::BROKER}.token_for(:aws, qualifier: name) }") +
                Dir.glob("#{folder}/*").map { |file| File.read(file) }
      places = everything_shown
      expect(secrets.select { |secret| places.any? { |text| text.include?(secret.b) } }).to eq([])
    end

    it 'shuts down cleanly' do
      expect(legion.stop.last).to be_success
    end
  end

  describe 'with mistakes in the settings', order: :defined do
    tokens = { both: { kind: 'msk' }, default: { kind: 'msk' }, misspelt: { kind: 'identity', audience: 'x', audiense: 'x' },
               wordless: { kind: 'rds', host: 'h' }, strange: { kind: 'redis' },
               roleless: { kind: 'msk', role: 'raeder' }, relative: { kind: 'msk', file: 'token' }, good: { kind: 'msk' } }
    roles = { both: BootQuestions::DEPLOYER, beside: { role_arn: BootQuestions::DEPLOYER, scope_policy: policy },
              profiled: { profile: 'other', scope_policy: policy }, scope: { scope_polcy: policy }, policy: { policy: policy } }
    boots { { settings: { **LegionIO::PHASE_ZERO, identity: { aws: { role_arn: BootQuestions::WORKER, roles: roles, tokens: tokens } } } } }

    it 'boots with its name, its own credentials and what is right' do
      expect(identity).to include(canonical_name: 'legion-worker', trust: 'verified')
      expect(token).to match(/\AASIA/)
      legion.wait_for { token(:good) }
      expect(token(:good)).to match(/\A[\w-]{200,}\z/)
    end

    # The background job looks at the settings of the tokens once a round. Its pauses double, up to a minute: they begin anew here.
    def tried_again
      legion.ask(<<~RUBY)
        $rounds = 0
        #{BootQuestions::OURS}::LegionIO::Tokens.singleton_class.prepend(Module.new { def problem(...) = super.tap { $rounds += 1 } })
        #{BootQuestions::OURS}::Identity.const_get(:SYNC).instance_variable_get(:@job).run
        nil
      RUBY
      legion.wait_for(timeout: 40) { legion.ask('$rounds') >= 2 }
    end

    it 'has nothing for what is wrong, and one warning for each that says what to write' do
      expected = [/both: the same name is in identity\.aws\.tokens and in identity\.aws\.roles.*Choose another name/,
                  /tokens\.misspelt.*audiense.*Did you mean audience/, /tokens\.wordless.*(port|user)/, /tokens\.strange.*redis/,
                  /tokens\.roleless names the role raeder/, /tokens\.relative\.file is no absolute path\. Write one/,
                  /roles\.beside has role_arn beside a scope.*Keep one/, /roles\.profiled has profile beside a scope/,
                  /scope_polcy.*scope_policy/, /roles\.policy names no role.*scope_policy in place of policy/]
      legion.wait_for { warnings.size >= expected.size }
      tried_again
      expect(expected.map { |words| warnings.grep(words).size }).to eq([1] * expected.size), warnings.join("\n")
      names = (roles.keys + tokens.keys) - %i[default good]
      expect(names.to_h { |name| [name, token(name)] }.compact).to eq({})
      expect(token(:default)).to match(/\AASIA/)
    end

    it 'takes tokens.default for a mistake once the name of both is mended' do
      legion.ask("Legion::Settings.loader.settings[:identity][:aws][:tokens].delete(:both); #{BootQuestions::OURS}::Identity.provide_token; nil")
      legion.wait_for { warnings.grep(/tokens\.default is ignored: .*Choose another name/).any? && token(:both) }
      expect(token(:default)).to match(/\AASIA/)
    end
  end
end
