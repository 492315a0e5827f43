# frozen_string_literal: true

require 'legionio/support/parts_helper'

# What goes on beside LegionIO's own threads, and what comes of it.
RSpec.describe 'In the background of LegionIO' do
  include Parts

  worker = 'arn:aws:iam::123456789012:role/legion-worker'
  deployer = 'arn:aws:iam::123456789012:role/team/deployer'
  forbidden = 'arn:aws:iam::123456789012:role/forbidden'

  # Nothing is tried again by itself before the example is over: what comes, comes of a use.
  patient = <<~RUBY
    load_gem
    Legion::Extensions::Identity::Aws::Internal::Backoff.define_method(:next) { 300.0 }
  RUBY

  before { local_aws }

  def calls(action) = local_aws.requests(service: :sts, action: action).size

  it 'what cannot be mended waits its time, however often LegionIO asks meanwhile' do
    found = in_parts(<<~RUBY)
      self.identity_settings = { roles: { closed: '#{forbidden}' } }
      aws = load_gem
      tries = Queue.new
      aws::LegionIO::BrokerEntries.prepend(Module.new { define_method(:leased?) { |*given| super(*given).tap { tries << nil } } })
      3.times { Resolver.resolve! }
      sleep 0.5
      tries.clear
      processor = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
      sleep 4
      answer([tries.size, Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - processor])
    RUBY
    expect(found.answer).to match([be < 20, be < 1])
  end

  describe 'while the process’s own credentials cannot be had' do
    it 'nothing else is taken for them, and its roles are found by their context' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{forbidden}', roles: { deploy: { role_arn: '#{deployer}' } } }
        aws = load_gem
        Resolver.resolve!
        deploy = eventually { Broker.token_for(:aws, qualifier: :deploy) }
        before = [Broker.token_for(:aws), Broker.credentials_for(:aws), Broker.token_for(:aws, for_context: 'deploy') == deploy,
                  Broker.token_for(:aws, for_context: 'other')]
        self.identity_settings = { role_arn: '#{worker}', roles: { deploy: { role_arn: '#{deployer}' } } }
        aws::Identity.provide_token
        own = eventually { Broker.token_for(:aws) }
        answer([before, own == aws::Identity.current_credentials.access_key_id, Broker.renewer_for(:aws).provider.equal?(aws::Identity),
                Broker.token_for(:aws, for_context: 'deploy') == Broker.token_for(:aws, qualifier: :deploy)])
      RUBY
      expect(found.answer).to eq([[nil, nil, true, nil], true, true, true])
    end
  end

  describe 'settings that change while nothing would be tried for long' do
    it 'are followed from the next use on, when they can be used again' do
      found = in_parts(<<~RUBY)
        #{patient}
        aws = Legion::Extensions::Identity::Aws
        self.identity_settings = { role_arn: '#{worker}' }
        Resolver.resolve!
        self.identity_settings = { role_arn: 'no ARN at all' }
        aws::Identity.provide_token rescue aws::ConfigurationError
        eventually { Broker.token_for(:aws).nil? }
        sleep 0.2
        self.identity_settings = { role_arn: '#{deployer}' }
        key = aws::Identity.provide_token.credential
        eventually { Broker.token_for(:aws) == key }
        eventually { Resolver.composite[:canonical_name] == 'deployer' }
        answer([Resolver.composite[:trust], Broker.renewer_for(:aws).provider.equal?(aws::Identity)])
      RUBY
      expect(found.answer).to eq(['verified', true])
    end

    it 'are followed from the next use on, when the boot stayed nameless' do
      found = in_parts(<<~RUBY)
        self.identity_settings = { role_arn: '#{forbidden}' }
        #{patient}
        Resolver.resolve!
        nameless = Resolver.composite
        sleep 0.2
        self.identity_settings = { role_arn: '#{worker}' }
        key = Legion::Extensions::Identity::Aws::Identity.provide_token.credential
        eventually { Resolver.composite }
        eventually { Broker.token_for(:aws) == key }
        answer([nameless, Resolver.composite[:canonical_name], Resolver.composite[:trust]])
      RUBY
      expect(found.answer).to eq([nil, 'legion-worker', 'verified'])
    end

    it 'are followed from the next use on, when they say enabled: false no more' do
      found = in_parts(<<~RUBY)
        #{patient}
        aws = Legion::Extensions::Identity::Aws
        Resolver.resolve!
        self.identity_settings = { enabled: false }
        Resolver.resolve!
        eventually { Broker.token_for(:aws).nil? }
        off = Resolver.composite[:trust]
        self.identity_settings = {}
        key = aws::Identity.provide_token.credential
        eventually { Broker.token_for(:aws) == key }
        eventually { Resolver.composite[:trust] == 'verified'.to_sym }
        answer([off, Resolver.composite[:canonical_name], Broker.renewer_for(:aws).provider.equal?(aws::Identity)])
      RUBY
      expect(found.answer).to eq(['cached', 'demo', true])
    end

    it 'are followed from the next use on, when they name one more role beside one that cannot be had' do
      found = in_parts(<<~RUBY)
        #{patient}
        aws = Legion::Extensions::Identity::Aws
        self.identity_settings = { roles: { closed: '#{forbidden}' } }
        Resolver.resolve!
        sleep 0.5
        aws::Identity.provide_token
        sleep 0.2
        self.identity_settings = { roles: { closed: '#{forbidden}', deploy: '#{deployer}' } }
        aws::Identity.provide_token
        answer(eventually { Broker.token_for(:aws, qualifier: :deploy) })
      RUBY
      expect(found.answer).to start_with('ASIA')
    end

    it 'show in the facts, though the name is the same' do
      found = in_parts(<<~RUBY)
        #{patient}
        aws = Legion::Extensions::Identity::Aws
        self.identity_settings = { role_arn: '#{worker}', region: 'eu-west-1' }
        Resolver.resolve!
        before = Resolver.composite[:profile][:aws]
        self.identity_settings = { role_arn: '#{worker}', region: 'eu-west-3' }
        aws::Identity.provide_token
        eventually { Resolver.composite[:profile][:aws] != before }
        answer(Resolver.composite.slice(:canonical_name, :trust).merge(region: Resolver.composite[:profile][:aws][:region]))
      RUBY
      expect(found.answer).to eq(canonical_name: 'legion-worker', trust: 'verified', region: 'eu-west-3')
    end
  end
end
