# frozen_string_literal: true

require 'legionio/support/boots'

# Two at once, since the longest wait of all is in here: for the renewal of credentials that expire after 60 s.
RSpec.describe 'LegionIO in both phases, with the bridge', order: :defined do
  settings = { identity: { aws: { role_arn: BootQuestions::WORKER, broker_bridge: true } } }

  before(:context) do
    @stage = { 0 => LegionIO::PHASE_ZERO, 1 => {} }.to_h do |phase, category|
      aws = LocalAws.start
      aws.rule(service: :sts, action: 'AssumeRole', lifetime_seconds: 60)
      env = aws.env_with_keys.merge('AWS_REGION' => 'eu-west-1').compact
      [phase, [LegionIO.new(gems: %w[ours consumers], settings: settings.merge(category), env: env), aws]]
    end
    @stage.each_value { |legion, _| legion.wait_until_up }
  end
  after(:context) do
    @stage&.each_value do |legion, aws|
      legion.kill
      aws.stop
    end
  end

  attr_reader :legion, :aws

  def in_each_phase
    @stage.each do |phase, (legion, aws)|
      @legion = legion
      @aws = aws
      yield phase
    end
  end

  # What lex-llm-bedrock has copied for itself.
  def copied
    legion.ask('Legion::LLM::Call::Registry.for(:bedrock, instance: :broker)&.instance_variable_get(:@instance_config)&.fetch(:bedrock_access_key_id)')
  end

  it 'has name, alias, trust and facts' do
    in_each_phase do
      expect(identity).to include(canonical_name: 'legion-worker', trust: 'verified', aliases: { aws: [BootQuestions::WORKER] },
                                  providers: include(aws: include(status: 'resolved')), profile: { aws: include(account: '123456789012') })
      expect(legion.rows(:identity_principals).size).to eq(1)
      expect(legion.rows(:identities).size).to eq(1)
    end
  end

  it 'is told of the setting for phase 0 only where it is missing' do
    in_each_phase do |phase|
      expect(legion.lines_of_ours.grep(/this process is/)).to match([phase.zero? ? end_with(' ms)') : include('"phase":0')])
    end
  end

  it 'knows its name before the LLM part starts in phase 0 alone' do
    in_each_phase do |phase|
      order = legion.log.index('this process is') <=> legion.log.index('Setting up Legion::LLM')
      expect(order).to eq(phase.zero? ? -1 : 1)
    end
  end

  it 'registers lex-llm-bedrock with the key that Broker leases' do
    in_each_phase do
      legion.wait_for { copied }
      expect(copied).to eq(token).and start_with('ASIA')
    end
  end

  it 'renews credentials of 60 s in both phases, with few calls', timeout: 120 do
    before = {}
    in_each_phase { |phase| before[phase] = token }
    sleep 45
    in_each_phase do |phase|
      legion.wait_for(timeout: 40) { token && token != before[phase] }
      legion.wait_for { copied == token }
      asked_at = aws.requests(service: :sts, action: 'AssumeRole').map { |call| call[:at_ms] }
      expect(asked_at.each_cons(2).map { |one, other| other - one }).to all(be > 20_000) # they are due for a refresh after 30 s
      expect(legion.ask("#{BootQuestions::BROKER}.credentials_for(:aws)[:lease].expires_at - Time.now")).to be_between(0, 60)
    end
  end

  it 'shows no secret, although the keys are in a Hash and in a registry' do
    in_each_phase do
      secrets = legion.ask(<<~RUBY)
        ObjectSpace.each_object(#{BootQuestions::OURS}::Credentials).flat_map { |one| [one.secret_access_key, one.session_token] }.compact.uniq
      RUBY
      expect(secrets.size).to be >= 2
      expect(secrets.select { |secret| everything_shown.any? { |text| text.include?(secret.b) } }).to be_empty
    end
  end

  it 'shuts down cleanly' do
    in_each_phase do
      _, status = legion.stop
      expect(status).to be_success
    end
  end
end
