# frozen_string_literal: true

require 'legionio/support/boots'

# Two at once, since the longest wait of all is in here: for the renewal of sets that live 60 s.
RSpec.describe 'LegionIO in both phases, with the bridge' do
  settings = { identity: { aws: { role_arn: BootQuestions::WORKER, broker_bridge: true } } }
  registry = 'Legion::LLM::Call::Registry.for_instance(:bedrock, :broker)' # rubocop:disable Lint/UselessAssignment

  before(:context) do
    @stage = { early: LegionIO::PHASE_ZERO, late: {} }.transform_values do |phase|
      aws = LocalAws.start
      aws.rule(service: :sts, action: 'AssumeRole', lifetime_seconds: 60)
      env = aws.env_with_keys.merge('AWS_REGION' => 'eu-west-1').compact
      [aws, LegionIO.new(gems: %w[ours consumers], settings: settings.merge(phase), env: env)]
    end
    @stage.each_value { |_, legion| legion.wait_until_up }
  end
  after(:context) do
    @stage&.each_value do |aws, legion|
      legion.kill
      aws.stop
    end
  end

  it 'x' do
    @stage.each { |name, (aws, legion)| puts name, legion.lines_of_ours, legion.seconds_to_boot
    puts legion.ask("Legion::LLM::Call::Registry.methods(false)").inspect
    File.write("/work/main/.local/#{name}.log", legion.log)
    }
  end
end
