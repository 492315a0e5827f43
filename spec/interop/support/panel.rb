# frozen_string_literal: true

require_relative 'judge'
require_relative 'sdks'

# The implementations that are asked who a configuration makes us: this gem, boto3, and the AWS SDKs for Ruby that are here.
class Panel
  # The answer of one of them. `principal` is nil where it refused; `why` is its error.
  Answer = Struct.new(:principal, :why, :found_by, keyword_init: true) do
    # True where it found nothing to refuse: no source has credentials.
    def nothing? = principal.nil? && why == 'NoCredentials'
    def to_s = principal || "refused (#{why})"
  end

  # For the block, the environment is this and nothing else that the gem reads.
  include Environment

  def initialize(world)
    @world = world
    here = ->(file) { File.join(__dir__, file) }
    @judges = { boto3: Judge.new('boto3', [File.join(Moto::FOLDER, 'python'), here.call('boto3_judge.py')]) }
    Sdks.all.each do |sdk|
      name = :"ruby_#{sdk.name}"
      @judges[name] = Judge.new("aws-sdk-core #{sdk.version}", [RbConfig.ruby, here.call('ruby_judge.rb')], 'RUBYLIB' => sdk.rubylib)
    end
  end

  # @return [Hash{Symbol => String}] who they are, with their versions where known
  def names = { ours: 'ours' }.merge(@judges.transform_values(&:name))

  # @param environment [Hash{String => String}] the configuration's, as {InteropEnvironment#prepare} gives it
  # @return [Hash{Symbol => Answer}] by name, ours first
  def ask(configuration, environment = @world.prepare(configuration))
    codes = configuration.with_code ? codes_for(@judges.keys) : {}
    theirs = @judges.map do |name, judge|
      Thread.new { [name, answer(judge.ask(environment: environment, profile: configuration.profile, token_code: codes[name]))] }
    end
    { ours: ours(environment, configuration.profile, codes[:ours]) }.merge(theirs.to_h(&:value))
  end

  # What boto3 alone says, in another environment.
  # @return [Answer]
  def boto3(environment, profile)
    answer(@judges[:boto3].ask(environment: environment, profile: profile))
  end

  def stop
    @judges.each_value(&:stop)
  end

  private

  # A code works once.
  def codes_for(judges)
    [:ours, *judges].each_with_index.to_h { |name, index| [name, (index + 1).to_s * 6] }
  end

  def answer(said)
    said['arn'] ? Answer.new(principal: Configuration.short(said['arn']), found_by: said['method']) : Answer.new(why: said['refused'])
  end

  def ours(environment, profile, code)
    provider = ->(_serial) { code } if code
    with_env({ 'AWS_EC2_METADATA_DISABLED' => nil }.merge(environment)) do
      session = Legion::Extensions::Identity::Aws::Session.new(**{ profile: profile, token_provider: provider }.compact)
      Answer.new(principal: Configuration.short(session.identity.arn), found_by: session.credentials.source)
    end
  rescue Legion::Extensions::Identity::Aws::Error => e
    Answer.new(why: "#{e.class.name[/\w+\z/]}: #{e.message}")
  end
end
