# frozen_string_literal: true

require 'legionio/support/boots'

# The published 0.1.0 and this gem, one after the other, with the same settings file.
RSpec.describe 'LegionIO with 0.1.0, and with us', order: :defined do
  settings = { **LegionIO::PHASE_ZERO, identity: { aws: { region: 'eu-west-1', role_arn: BootQuestions::WORKER, session_duration: 3600 } } }

  before(:context) do
    @boots = %w[peer ours].to_h do |gem|
      aws = LocalAws.start
      legion = LegionIO.boot(gems: [gem], settings: settings, env: aws.env_with_keys.compact)
      sleep 3 # past the work that LegionIO leaves for after its start
      [gem, { aws: aws, legion: legion, seconds: legion.seconds_to_boot, megabytes: legion.memory_in_mb }]
    end
  end
  after(:context) do
    @boots&.each_value do |boot|
      boot[:legion].kill
      boot[:aws].stop
    end
  end

  it 'has what was inert at work' do
    theirs, ours = @boots.values_at('peer', 'ours').map { |boot| boot[:legion].api('/api/identity') }
    expect(theirs).to include(canonical_name: 'somebody', source: 'system', registered_providers: [])
    expect(@boots['peer'][:aws].requests).to be_empty
    expect(ours).to include(canonical_name: 'legion-worker', trust: 'verified')
    token = 'Legion::Identity::Broker.token_for(:aws)'
    expect(@boots['peer'][:legion].ask(token)).to be_nil
    expect(@boots['ours'][:legion].ask(token)).to match(/\AASIA/)
  end

  it 'costs no more than it is worth' do
    theirs, ours = @boots.values_at('peer', 'ours')
    figures = [theirs, ours].map { |boot| format('%<seconds>.1f s and %<megabytes>d MB', boot) }
    RSpec.configuration.reporter.message("boot with 0.1.0, which does nothing: #{figures.first}; with us: #{figures.last}")
    expect(ours[:seconds] - theirs[:seconds]).to be < 1.5
    expect(ours[:megabytes] - theirs[:megabytes]).to be < 25
  end
end
