# frozen_string_literal: true

require 'legionio/support/boots'

# The published 0.1.0 and this gem, one after the other, with the same settings file.
RSpec.describe 'LegionIO with 0.1.0, and with us', order: :defined do
  settings = { **LegionIO::PHASE_ZERO, identity: { aws: { region: 'eu-west-1', role_arn: BootQuestions::WORKER, session_duration: 3600 } } }

  before(:context) do
    @settings = settings
    @boots = %w[peer ours].to_h do |gem|
      aws = LocalAws.start
      legion = LegionIO.boot(gems: [gem], settings: settings, env: aws.env_with_keys.compact)
      [gem, { aws: aws, legion: legion, seconds: legion.seconds_to_boot, megabytes: memory_at_rest(legion) }]
    end
  end
  after(:context) do
    @boots&.each_value do |boot|
      boot[:legion].kill
      boot[:aws].stop
    end
  end

  def boot_apart(gem)
    legion = LegionIO.boot(gems: [gem], settings: @settings, env: @boots[gem][:aws].env_with_keys.compact)
    legion.kill
    legion.seconds_to_boot
  end

  # LegionIO leaves some work for after its start.
  def memory_at_rest(legion)
    sizes = []
    20.times do
      sizes << legion.memory_in_mb
      break if sizes.last(4).uniq.size == 1 && sizes.size > 6

      sleep 0.5
    end
    sizes.last
  end

  it 'has what was inert at work' do
    theirs, ours = @boots.values_at('peer', 'ours').map { |boot| boot[:legion].api('/api/identity') }
    expect(theirs).to include(canonical_name: 'legion', source: 'system', registered_providers: [])
    expect(@boots['peer'][:aws].requests).to be_empty
    expect(ours).to include(canonical_name: 'legion-worker', trust: 'verified')
    token = 'Legion::Identity::Broker.token_for(:aws)'
    expect(@boots['peer'][:legion].ask(token)).to be_nil
    expect(@boots['ours'][:legion].ask(token)).to match(/\AASIA/)
  end

  it 'costs no more than it is worth', timeout: 400 do
    theirs, ours = @boots.values_at('peer', 'ours')
    figures = [theirs, ours].map { |boot| format('%<seconds>.1f s and %<megabytes>d MB', boot) }
    tell('LegionIO boots with 0.1.0, which does nothing, in %<theirs>s; with us in %<ours>s', theirs: figures.first, ours: figures.last)
    times = { 'peer' => [theirs[:seconds]], 'ours' => [ours[:seconds]] }
    again = ->(gem) { times[gem].shift || boot_apart(gem) }
    expect(seconds_added(with: -> { again['ours'] }, without: -> { again['peer'] }, below: 1.5)).to be < 1.5
    expect(ours[:megabytes] - theirs[:megabytes]).to be < 25
  end

  # 0.1.0 makes a new client each time; the first loads the AWS SDK. Ours has the answer from the boot.
  it 'answers when asked by hand, too' do
    answers = @boots.to_h do |gem, boot|
      name, first, next_one = boot[:legion].ask(<<~RUBY)
        clock = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_millisecond) }
        times = [clock.call]
        name = 2.times.map { #{BootQuestions::OURS}::Identity.resolve[:canonical_name].tap { times << clock.call } }.uniq
        [name, times[1] - times[0], times[2] - times[1]]
      RUBY
      expect(name).to eq([gem == 'ours' ? 'legion-worker' : 'demo']) # 0.1.0 names the keys, not the role on top
      [gem, format('%<first>.2f ms, then %<next_one>.2f ms, now %<megabytes>d MB', first: first, next_one: next_one, megabytes: memory_at_rest(boot[:legion]))]
    end
    tell('resolve by hand: 0.1.0 %<peer>s; ours %<ours>s', **answers.transform_keys(&:to_sym))
  end
end
