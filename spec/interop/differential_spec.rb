# frozen_string_literal: true

require_relative 'support/configuration'
require_relative 'support/differences'
require_relative 'support/our_order'
require_relative 'support/panel'
require_relative 'support/random_configuration'
require_relative 'support/random_reading'
require_relative 'support/interop_environment'

Dir[File.join(__dir__, 'configurations', '*.rb')].each { |file| require file }

# The same profile files and environments give the same principal through this gem, boto3 and the AWS SDKs for Ruby. Inside
# a profile boto3's order holds; where we differ from it, or one of them from another, the configuration says so and why.
#
# INTEROP_SEED=123 repeats random configurations, INTEROP_COUNT=1000 makes more of them.
RSpec.describe Legion::Extensions::Identity::Aws::Session do
  seed = Integer(ENV.fetch('INTEROP_SEED', Random.new_seed % 1_000_000))
  count = Integer(ENV.fetch('INTEROP_COUNT', 100))

  before(:context) do
    @world = InteropEnvironment.new
    @panel = Panel.new(@world)
    @differences = Differences.new
  end

  after(:context) do
    RSpec.configuration.reporter.message("\n#{@differences.report(@panel.names, seed)}") if @panel
    @panel&.stop
    @world&.stop
    raise 'of the random configurations fewer than every fifth yields a principal' if @differences&.too_few_principals?
  end

  attr_reader :world, :panel, :differences

  def message(configuration, expected, answers)
    "#{configuration}\n\nexpected #{expected}\nfound    #{answers.transform_values(&:to_s)}"
  end

  Configuration.all.each do |configuration|
    it "and the others, with #{configuration.name}" do
      answers = panel.ask(configuration)
      differences.add(configuration.name, answers, configuration.because)
      expected = answers.to_h { |who, _| [who, configuration.expected_of(who)] }
      expect(answers.transform_values(&:principal)).to eq(expected), message(configuration, expected, answers)
    end
  end

  RandomReading::KINDS.each do |kind|
    (1..(count / 4.0).ceil).each do |number|
      it "reads #{kind} as boto3 does, with the random reading #{number} of INTEROP_SEED=#{seed}" do
        reading = RandomReading.make(kind, "#{kind} #{number}", seed + number)
        answers = panel.ask(reading)
        differences.add_random("#{kind} #{number}", answers)
        expected = reading.because ? reading.who : answers[:boto3].principal
        expect(answers[:ours].principal).to eq(expected), message(reading, expected, answers)
        expect(answers[:boto3].principal).not_to eq(reading.who), "boto3 differs no longer: #{reading}" if reading.because
      end
    end
  end

  (1..count).each do |number|
    it "is whom boto3 finds in our order, with the random configuration #{number} of INTEROP_SEED=#{seed}" do
      configuration = RandomConfiguration.make("random configuration #{number}", seed + number)
      environment = world.prepare(configuration)
      answers = panel.ask(configuration, environment)
      differences.add_random(number, answers)
      expected = OurOrder.new(panel, environment, configuration.profile).principal
      expect(answers[:ours].principal).to eq(expected), message(configuration, expected, answers)
    end
  end
end
