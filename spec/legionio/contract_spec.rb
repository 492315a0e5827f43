# frozen_string_literal: true

require 'legionio/support/parts_helper'

# What LegionIO's own Resolver and Broker make of us; without the rest of LegionIO, so that each case has a process of its own.
RSpec.describe 'The contract with LegionIO' do
  include Parts

  worker = 'arn:aws:iam::123456789012:role/legion-worker'
  deployer = 'arn:aws:iam::123456789012:role/team/deployer'
  forbidden = 'arn:aws:iam::123456789012:role/forbidden'

  def calls(action = nil) = local_aws.requests(service: :sts, **{ action: action }.compact).size

  before { local_aws }

  describe 'registration' do
    names = 'Resolver.providers.map(&:provider_name)'

    it 'happens once, whenever and however often the gem is required' do
      found = in_parts(<<~RUBY, env: {})
        load_gem
        require 'lex-identity-aws'
        require 'legion/extensions/identity/aws'
        3.times { Legion::Extensions::Identity::Aws.autobuild }
        answer(#{names})
      RUBY
      expect(found.answer).to eq(%w[aws aws_profile])
    end

    it 'waits for a Resolver that comes later' do
      found = in_parts(<<~RUBY, env: {})
        resolver = Legion::Identity.send(:remove_const, :Resolver)
        load_gem.autobuild
        waiting = Legion::Identity.pending_registrations.map(&:provider_name)
        Legion::Identity.const_set(:Resolver, resolver)
        Resolver.resolve!
        answer([waiting, #{names}])
      RUBY
      expect(found.answer).to eq([%w[aws aws_profile], %w[aws aws_profile]])
    end

    it 'is made up for by autobuild where the gem came before LegionIO' do
      found = in_parts(<<~RUBY, env: {})
        identity = Legion.send(:remove_const, :Identity)
        aws = load_gem
        Legion.const_set(:Identity, identity)
        early = #{names}
        2.times { aws.autobuild }
        answer([early, #{names}])
      RUBY
      expect(found.answer).to eq([[], %w[aws aws_profile]])
    end

    it 'does not happen where the settings say enabled: false' do
      [false, 'false'].each do |off|
        found = in_parts("self.identity_settings = { 'enabled' => #{off.inspect} }\nload_gem.autobuild\nanswer(#{names})", env: {})
        expect(found.answer).to eq([])
      end
    end

    it 'is of no effect once the settings say enabled: false' do
      found = in_parts(<<~RUBY)
        aws = load_gem
        Resolver.resolve!
        before = Broker.token_for(:aws)
        self.identity_settings = { enabled: false }
        Resolver.resolve!
        aws::Identity.current_credentials.access_key_id
        refused = begin
          aws::Identity.provide_token
        rescue aws::ConfigurationError => e
          e.message
        end
        eventually { Broker.token_for(:aws).nil? }
        answer([before, Resolver.composite[:source], refused])
      RUBY
      expect(found.answer).to match([/\AAKIA/, 'identity_cache', /enabled: false/])
    end
  end

  describe 'the answer' do
    it 'is given twice a boot and twice a reload for one question' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{worker}' }
        aws = load_gem
        2.times { Resolver.resolve! }
        first = [Resolver.composite[:canonical_name], Resolver.composite[:trust]]
        answer(first)
      RUBY
      expect(found.answer).to eq(%w[legion-worker verified])
      expect([calls('AssumeRole'), calls('GetCallerIdentity')]).to eq([1, 1])
    end

    it 'is asked for once at a reload, and for both at once' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{worker}' }
        aws = load_gem
        fetches = -> { ObjectSpace.each_object(aws::Session).sum { |session| session.counters[:fetches] } }
        2.times { Resolver.resolve! }
        first = fetches.call
        Legion::Identity::Process.refresh_credentials
        2.times { Resolver.resolve! }
        answer([first, fetches.call])
      RUBY
      expect(found.answer).to eq([1, 2])
      expect([calls('AssumeRole'), calls('GetCallerIdentity')]).to eq([1, 2])
    end

    it 'is given up in time for LegionIO, whatever it is that takes long' do
      local_aws.rule(service: :sts, answer: 'hang')
      found = in_parts(<<~RUBY, env: local_aws.env)
        program = File.expand_path('~/program')
        keys = { Version: 1, AccessKeyId: 'AKIADEMOUSERFAKEAWS2', SecretAccessKey: 'secret' }
        File.write(program, "#!/bin/sh\nsleep 2.5; echo '\#{JSON.generate(keys)}'\n")
        File.chmod(0o700, program)
        Dir.mkdir(File.expand_path('~/.aws'))
        File.write(File.expand_path('~/.aws/config'), "[profile slow]\ncredential_process = \#{program}\n")
        self.identity_settings = { profile: 'slow', process_timeout: 30, resolve_timeout: 30 }
        load_gem
        answer(seconds { Resolver.resolve! })
      RUBY
      expect(found.answer).to be_between(3.5, 5)
      expect(found.log).to include('aws status=failed')
      expect(found.lines.grep(/no AWS identity/)).to match([/no answer|within/i])
    end

    it 'outlives an outage at a reload, and no refusal' do
      rule = local_aws.rule(service: :sts, action: 'GetCallerIdentity', after: 1, answer: { error: { status: 503, code: 'ServiceUnavailable' } })
      found = in_parts(<<~RUBY, env: local_aws.env_with_keys.merge('LOCAL_AWS' => local_aws.http))
        require 'net/http'
        control = ->(verb, path, body = nil) { Net::HTTP.start('127.0.0.1', URI(ENV['LOCAL_AWS']).port) { |http| http.send_request(verb, "/_control/\#{path}", body) } }
        trust = lambda do
          Legion::Identity::Process.refresh_credentials
          Resolver.resolve!
          Resolver.composite[:trust]
        end
        load_gem
        Resolver.resolve!
        outage = trust.call
        control.call('DELETE', 'rules')
        control.call('POST', 'rules', JSON.generate(service: 'sts', answer: { error: { status: 403, code: 'AccessDenied' } }))
        answer([outage, trust.call, Resolver.composite[:profile]])
      RUBY
      expect(rule).to be_an(Integer)
      expect(found.answer).to eq(['verified', 'cached', {}])
      expect(found.lines.grep(/WARN/)).to match([/cannot be asked again, demo stays/, /no AWS identity.*AccessDenied/])
    end

    it 'is nil and silent off AWS' do
      found = in_parts(<<~RUBY, env: { 'AWS_EC2_METADATA_DISABLED' => 'true' })
        load_gem
        2.times { Resolver.resolve! }
        answer([Resolver.composite, Resolver.resolved?, Thread.list.count { |thread| thread.name == 'lex-identity-aws' }])
      RUBY
      expect(found.answer).to eq([nil, false, 0])
      expect(found.lines).to be_empty
    end

    it 'comes with facts of its own provider, as long as it is there' do
      found = in_parts('load_gem; Resolver.resolve!; answer(Resolver.composite[:profile])', env: local_aws.env)
      expect(found.answer).to eq(aws: { account: '123456789012', partition: 'aws', region: 'eu-west-1', kind: 'role', role: 'ec2-web',
                                        arn: 'arn:aws:sts::123456789012:assumed-role/ec2-web/i-0a1b2c3d4e5f60718',
                                        principal_arn: 'arn:aws:iam::123456789012:role/ec2-web', session_name: 'i-0a1b2c3d4e5f60718',
                                        instance_id: 'i-0a1b2c3d4e5f60718', instance_profile_role: 'ec2-web', source: 'imds' })
    end
  end

  describe 'the name of a boot without network' do
    it 'comes as soon as AWS answers, and is right in every way' do
      local_aws.rule(service: :sts, times: 2, answer: { error: { status: 403, code: 'AccessDenied' } })
      found = in_parts(<<~RUBY)
        load_gem
        nameless = :not_asked
        took = seconds do
          Resolver.resolve!
          nameless = Resolver.composite
          eventually { Resolver.composite }
        end
        eventually { Broker.token_for(:aws) }
        composite = Resolver.composite
        answer([nameless, took, composite.slice(:canonical_name, :kind, :trust, :source), composite[:profile].dig(:aws, :account),
                JSON.parse(File.read(File.expand_path('~/.legionio/settings/identity.json')))])
      RUBY
      expect(found.answer).to match([nil, be > 4.4, { canonical_name: 'demo', kind: 'machine', trust: 'verified', source: 'aws' }, '123456789012',
                                     { canonical_name: 'demo', kind: 'machine' }])
      expect(calls('GetCallerIdentity')).to eq(3) # two pauses of 2 and 4 s, each a quarter shorter at most
      expect(found.lines.grep(/WARN/)).to match([/no AWS identity: .*AccessDenied/])
    end

    it 'is not asked for where this machine is not on AWS' do
      found = in_parts(<<~RUBY, env: { 'AWS_EC2_METADATA_DISABLED' => 'true' })
        load_gem
        Resolver.resolve!
        sleep 3
        answer(Thread.list.map(&:name).compact)
      RUBY
      expect(found.answer).not_to include('lex-identity-aws')
    end

    it 'is not asked for any more once LegionIO shuts down' do
      local_aws.rule(service: :sts, answer: 'reset')
      found = in_parts(<<~RUBY)
        load_gem
        Resolver.resolve!
        alive = -> { Thread.list.any? { |thread| thread.name == 'lex-identity-aws' } }
        before = alive.call
        Legion::Settings.loader.settings[:client] = { shutting_down: true }
        eventually { !alive.call }
        answer(before)
      RUBY
      expect(found.answer).to be(true)
    end
  end

  describe 'a setting that is not resolved yet' do
    it 'gives no name of another identity, and the right one as soon as it is' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: 'vault://secret/aws#role' }
        load_gem
        Resolver.resolve!
        before = Resolver.composite
        Legion::Settings.loader.settings[:identity][:aws][:role_arn] = '#{worker}' # LegionIO does it in place
        eventually { Resolver.composite }
        answer([before, Resolver.composite[:canonical_name], Resolver.composite[:trust]])
      RUBY
      expect(found.answer).to eq([nil, 'legion-worker', 'verified'])
      expect(found.lines.grep(/WARN/)).to match([/identity\.aws\.role_arn|role_arn.*not resolved yet/])
    end
  end

  describe 'Broker' do
    it 'is told once, however often LegionIO asks who we are' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{worker}', roles: { deploy: '#{deployer}' } }
        aws = load_gem
        renewers = -> { %i[default deploy].map { |qualifier| Broker.renewer_for(:aws, qualifier: qualifier) } }
        Resolver.resolve!
        eventually { renewers.call.all? }
        before = renewers.call
        Legion::Identity::Process.refresh_credentials
        4.times.map { Thread.new { Resolver.resolve! } }.each(&:join)
        aws::Identity.current_credentials.access_key_id
        sleep 0.5
        answer([renewers.call.zip(before).map { |now, then_| now.equal?(then_) }, Thread.list.count { |thread| thread.name.to_s.start_with?('lease-renewer') }])
      RUBY
      expect(found.answer).to eq([[true, true], 2])
    end

    it 'leases static keys too, with a renewer' do
      found = in_parts(<<~RUBY)
        load_gem
        Resolver.resolve!
        lease = Broker.credentials_for(:aws)[:lease]
        leased = lease.credentials
        refreshing = Broker.renewer_for(:aws).provider.current_credentials
        answer([Broker.token_for(:aws), leased.access_key_id, leased.secret_access_key.size, refreshing.access_key_id, refreshing.set?,
                lease.class.superclass.name, Broker.leases, lease.inspect])
      RUBY
      key = 'AKIADEMOUSERFAKEAWS2'
      expect(found.answer.first(6)).to eq([key, key, 40, key, true, 'Legion::Identity::Lease'])
      expect(found.answer.to_s).not_to include('demo+secret')
    end

    it 'is given a new renewer for one that crashed, was killed or belongs to another provider' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{worker}' }
        aws = load_gem
        Resolver.resolve!
        thread = ->(renewer) { renewer.instance_variable_get(:@thread) }
        replaced = lambda do |old|
          sleep 1.1 # settings are compared once a second
          aws::Identity.current_credentials.access_key_id
          eventually { Broker.renewer_for(:aws)&.alive? && !Broker.renewer_for(:aws).equal?(old) }
        end

        crashed = Broker.renewer_for(:aws)
        thread.call(crashed).report_on_exception = false
        thread.call(crashed).raise(NotImplementedError, 'crash')
        eventually { !crashed.alive? }
        after_crash = replaced.call(crashed)

        killed = Broker.renewer_for(:aws)
        thread.call(killed).kill
        eventually { !killed.alive? }
        after_kill = replaced.call(killed)

        stranger = Object.new
        Broker.register_provider(:aws, provider: stranger, lease: Legion::Identity::Lease.new(provider: :aws, credential: 'x', renewable: true))
        Resolver.resolve!
        eventually { Broker.renewer_for(:aws).provider.equal?(aws::Identity) }
        answer([after_crash, after_kill, Broker.token_for(:aws) == aws::Identity.current_credentials.access_key_id])
      RUBY
      expect(found.answer).to eq([true, true, true])
      expect(calls('AssumeRole')).to eq(1)
    end

    it 'has the renewer of a process that forked twice replaced in the grandchild' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{worker}' }
        aws = load_gem
        Resolver.resolve!
        read, write = IO.pipe
        fork do
          fork do
            dead = Broker.renewer_for(:aws).alive?
            sleep 1.1
            refreshing = Broker.renewer_for(:aws).provider.current_credentials
            key = refreshing.access_key_id
            refreshing.refresh!
            eventually { Broker.renewer_for(:aws).alive? }
            fresh = eventually { Broker.token_for(:aws) != key && Broker.token_for(:aws) }
            write.write(JSON.generate([dead, fresh == refreshing.access_key_id, aws::Identity.resolve[:canonical_name]]))
            write.close
            exit!(0)
          end
          exit!(0)
        end
        write.close
        Process.wait
        answer(JSON.parse(read.read))
      RUBY
      expect(found.answer).to eq([false, true, 'legion-worker'])
    end

    it 'never keeps LegionIO waiting while a renewer that waits for AWS is replaced' do
      local_aws.rule(service: :sts, action: 'AssumeRole', times: 1, lifetime_seconds: 3)
      local_aws.rule(service: :sts, action: 'AssumeRole', after: 1, hold: true)
      found = in_parts(<<~RUBY, env: local_aws.env_with_keys.merge('LOCAL_AWS' => local_aws.http))
        require 'net/http'
        self.identity_settings = { role_arn: '#{worker}' }
        load_gem
        Resolver.resolve!
        first = Broker.renewer_for(:aws)
        sleep 3.5 # the credentials have expired, and their renewer waits for STS
        self.identity_settings = {}
        took = seconds { Resolver.resolve! }
        replaced = seconds { eventually { Broker.token_for(:aws) == 'AKIADEMOUSERFAKEAWS2' } }
        answer([took, replaced, Resolver.composite[:canonical_name]])
      RUBY
      expect(found.answer).to match([be < 1.5, be < 10, 'demo'])
    end

    it 'is shut down within 5 s, with calls of all its renewers in flight' do
      local_aws.rule(service: :sts, action: 'AssumeRole', times: 2, lifetime_seconds: 4)
      local_aws.rule(service: :sts, action: 'AssumeRole', after: 2, hold: true)
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{worker}', roles: { deploy: '#{deployer}' } }
        load_gem
        Resolver.resolve!
        threads = %i[default deploy].map do |qualifier|
          eventually { Broker.renewer_for(:aws, qualifier: qualifier) }.instance_variable_get(:@thread)
        end
        eventually { threads.all? { |thread| thread.backtrace&.grep(/provide_token/)&.any? } }
        Legion::Settings.loader.settings[:client] = { shutting_down: true }
        answer([seconds { Broker.shutdown }, threads.map(&:alive?)])
      RUBY
      expect(found.answer).to match([be < 5, [false, false]])
    end

    it 'is given the stale credentials of an outage, with their true expiry and the reason' do
      local_aws.rule(service: :sts, action: 'AssumeRole', times: 1, lifetime_seconds: 4)
      local_aws.rule(service: :sts, action: 'AssumeRole', after: 1, answer: { error: { status: 503, code: 'ServiceUnavailable' } })
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{worker}' }
        aws = load_gem
        Resolver.resolve!
        expiry = Broker.lease_for(:aws).expires_at
        sleep 4.5
        lease = aws::Identity.provide_token
        100.times { aws::Identity.provide_token }
        answer([lease.valid?, lease.expires_at == expiry, lease.metadata[:degraded], Broker.token_for(:aws)])
      RUBY
      expect(found.answer).to match([false, true, /503|ServiceUnavailable/, nil])
      expect(calls('AssumeRole')).to be < 20 # credentials of 4 s have a back-off of about one
    end
  end

  describe 'changed settings' do
    it 'take effect at the next use: credentials, lease, name' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{worker}' }
        aws = load_gem
        Resolver.resolve!
        refreshing = Broker.renewer_for(:aws).provider.current_credentials
        before = Broker.token_for(:aws)
        self.identity_settings = { role_arn: '#{deployer}' }
        sleep 1.1
        key = refreshing.access_key_id
        eventually { Broker.token_for(:aws) == key }
        eventually { Resolver.composite[:canonical_name] == 'deployer' }
        answer([before == key, Resolver.composite[:aliases], Resolver.composite[:profile].dig(:aws, :role)])
      RUBY
      expect(found.answer).to eq([false, { aws: ['arn:aws:iam::123456789012:role/deployer'] }, 'deployer']) # STS does not tell the path
      expect(calls('AssumeRole')).to eq(2)
    end

    it 'that cannot be used take the lease away, until they can' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{worker}' }
        aws = load_gem
        Resolver.resolve!
        self.identity_settings = { role_arn: '#{forbidden}' }
        sleep 1.1
        refused = begin
          aws::Identity.current_credentials.access_key_id
        rescue aws::AccessDeniedError => e
          e.class.name
        end
        eventually { Broker.token_for(:aws).nil? }
        self.identity_settings = { role_arn: '#{deployer}' }
        sleep 1.1
        aws::Identity.current_credentials.access_key_id
        eventually { Broker.token_for(:aws) }
        eventually { Resolver.composite[:canonical_name] == 'deployer' }
        answer([refused, Broker.renewer_for(:aws).provider.equal?(aws::Identity)])
      RUBY
      expect(found.answer).to match([/AccessDeniedError/, true])
    end

    it 'of what is not about credentials cost no question' do
      in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{worker}' }
        load_gem
        Resolver.resolve!
        self.identity_settings = { role_arn: '#{worker}', broker_bridge: true, roles: {}, enabled: true }
        Resolver.resolve!
        answer(nil)
      RUBY
      expect(calls).to eq(2)
    end
  end

  describe 'several roles' do
    it 'are qualifiers of Broker with renewers of their own' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{worker}', 'roles' => {
          closed: { role_arn: '#{forbidden}' }, deploy: { role_arn: '#{deployer}', session_duration: 900 },
          'partner' => 'arn:aws:iam::210987654321:role/partner', default: '#{deployer}'
        } }
        aws = load_gem
        Resolver.resolve!
        eventually { Broker.token_for(:aws, qualifier: :deploy) && Broker.token_for(:aws, qualifier: :partner) }
        refreshing = Broker.renewer_for(:aws, qualifier: :deploy).provider.current_credentials
        contexts = [:deploy, 'partner', { role: 'deploy' }, { 'qualifier' => :partner }, 'unknown', nil, Object.new, {}, :default]
        answer([Broker.token_for(:aws, qualifier: :deploy) == refreshing.access_key_id,
                Broker.token_for(:aws, for_context: 'partner') == Broker.token_for(:aws, qualifier: :partner),
                [:unknown, 'depoly', { role: 'unknown' }, { role: [] }].map { |context| Broker.token_for(:aws, for_context: context) },
                [nil, :default, {}].all? { |context| Broker.token_for(:aws, for_context: context) == Broker.token_for(:aws) },
                Broker.token_for(:aws, for_context: :closed),
                contexts.map { |context| aws::Identity.resolve_qualifier(context) },
                Broker.lease_for(:aws, qualifier: :deploy).then { |lease| lease.expires_at - lease.issued_at }])
      RUBY
      names = ['deploy', 'partner', 'deploy', 'partner', 'unknown', nil, nil, nil, nil]
      expect(found.answer).to match([true, true, [nil] * 4, true, nil, names, be_within(10).of(900)])
      expect(found.lines.grep(/WARN/)).to match([/roles\.default is ignored/, /roles\.closed cannot be leased: .*AccessDenied/])
    end

    it 'are withdrawn with their settings, and follow them' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { roles: { one: '#{worker}', two: '#{deployer}' } }
        aws = load_gem
        Resolver.resolve!
        eventually { Broker.token_for(:aws, qualifier: :one) && Broker.token_for(:aws, qualifier: :two) }
        one = Broker.renewer_for(:aws, qualifier: :one).provider.current_credentials
        two = Broker.renewer_for(:aws, qualifier: :two).provider.current_credentials
        key = one.access_key_id
        self.identity_settings = { roles: { one: '#{deployer}' } }
        sleep 1.1
        gone = begin
          two.access_key_id
        rescue aws::ConfigurationError => e
          e.message
        end
        eventually { Broker.token_for(:aws, qualifier: :two).nil? }
        eventually { Broker.token_for(:aws, qualifier: :one) == one.access_key_id }
        answer([one.access_key_id == key, gone, Broker.token_for(:aws, for_context: 'two'), Broker.token_for(:aws)])
      RUBY
      expect(found.answer).to match([false, /roles\.two is no longer in the settings/, nil, 'AKIADEMOUSERFAKEAWS2'])
    end
  end

  describe 'the bridge' do
    it 'adds the keys to what Broker says of them, and only when asked to' do
      found = in_parts(<<~RUBY)
        aws = load_gem
        Resolver.resolve!
        off = Broker.credentials_for(:aws).keys
        self.identity_settings = { broker_bridge: true }
        aws::Identity.provide_token
        on = Broker.credentials_for(:aws, service: :bedrock)
        shown = [on.inspect, on.to_s, "\#{on}"]
        keys = on.slice(:access_key_id, :region, :service, :provider)
        secret = on[:secret_access_key].size
        self.identity_settings = {}
        answer([off, keys, secret, shown, Broker.credentials_for(:aws).keys, on.is_a?(Hash), Broker.credentials_for(:other)])
      RUBY
      plain = %w[token provider service lease]
      keys = { access_key_id: 'AKIADEMOUSERFAKEAWS2', region: 'eu-west-1', service: 'bedrock', provider: 'aws' }
      expect(found.answer).to match([plain, keys, 40, all(match(/AKIADEMO/)), plain, true, nil])
      expect(found.log).not_to include('demo+secret')
    end
  end

  it 'tells LegionIO’s listeners what changes' do
    local_aws.rule(service: :sts, action: 'AssumeRole', times: 1, lifetime_seconds: 3)
    found = in_parts(<<~RUBY)
      told = []
      Legion::Events.on('*') { |event| told << event }
      self.identity_settings = { role_arn: '#{worker}' }
      load_gem
      Resolver.resolve!
      refreshed = eventually { told.find { |event| event[:event] == 'identity.aws.refreshed' } }
      answer(refreshed.slice(:event, :qualifier, :access_key_id, :reason, :attempt))
    RUBY
    expect(found.answer).to include(event: 'identity.aws.refreshed', qualifier: 'default', access_key_id: /\AASIA/, reason: nil)
  end

  it 'goes on where LegionIO’s logging raises, in a trap handler too' do
    found = in_parts(<<~RUBY)
      self.identity_settings = { role_arn: '#{worker}' }
      aws = load_gem
      Resolver.resolve!
      key = nil
      trap('USR1') { key = aws::Identity.current_credentials.access_key_id }
      sleep 1.1
      Process.kill('USR1', Process.pid)
      eventually { key }
      broken = Module.new { %i[debug info warn error].each { |level| define_method(level) { |*| raise ClosedQueueError, 'queue closed' } } }
      aws::Internal::Log::Speaker.log.singleton_class.prepend(broken)
      self.identity_settings = { role_arn: '#{forbidden}', nonsense: 1 }
      sleep 1.1
      refused = begin
        aws::Identity.resolve
      rescue aws::AccessDeniedError
        'refused'
      end
      answer([key == Broker.token_for(:aws).to_s || !key.nil?, refused])
    RUBY
    expect(found.answer).to eq([true, 'refused'])
  end

  it 'never gives a renewer what would end it' do
    found = in_parts(<<~RUBY)
      aws = load_gem
      [NotImplementedError, NoMemoryError, SecurityError].each do |kind|
        aws::Lease.define_singleton_method(:of) { |*, **| raise kind, 'broken' }
        begin
          aws::Identity.provide_token
        rescue StandardError => e
          (@seen ||= []) << e.class.name
        end
      end
      answer(@seen)
    RUBY
    expect(found.answer).to all(end_with('InternalError')).and have_attributes(size: 3)
  end
end
