# frozen_string_literal: true

require 'support/legionio'

# A LegionIO for a whole group of examples, with a local AWS of its own: what it was given at boot must not be forgotten between two
# examples.
module Boots
  # Defines `aws` and `legion` for the group. The block may script the local AWS before the boot, and gives LegionIO.new's arguments.
  def boots(&arguments)
    before(:context) do
      @aws = LocalAws.start
      given = instance_exec(@aws, &arguments)
      @legion = LegionIO.boot(**given, env: { 'AWS_REGION' => 'eu-west-1', **given.fetch(:env) { @aws.env_with_keys } }.compact)
    end
    after(:context) do
      @legion&.kill
      @aws&.stop
    end
    attr_reader :aws, :legion
  end
end

# What examples ask of a LegionIO.
module BootQuestions
  WORKER = 'arn:aws:iam::123456789012:role/legion-worker'
  DEPLOYER = 'arn:aws:iam::123456789012:role/team/deployer'
  BROKER = 'Legion::Identity::Broker'
  OURS = 'Legion::Extensions::Identity::Aws'

  def token(qualifier = :default) = legion.ask("#{BROKER}.token_for(:aws, qualifier: #{qualifier.inspect})")

  def identity = legion.api('/api/identity')

  def change_settings(aws)
    legion.ask("Legion::Settings.loader.settings[:identity] = { aws: #{aws.inspect} }; nil")
  end

  # A figure worth knowing, printed among the dots.
  def tell(...) = RSpec.configuration.reporter.message(format(...))

  # How much longer one of two boots takes. Others use this machine too: what is not below the limit is measured again, up to five times,
  # and the shortest of each counts.
  def seconds_added(with:, without:, below:)
    times = [with, without].map { |first| [first.call] }
    5.times do
      break if times.map(&:min).reduce(:-) < below

      times.zip([with, without]) { |all, again| all << again.call }
    end
    times.map(&:min).reduce(:-)
  end

  # Settings are compared once a second in reads.
  def use
    legion.ask("sleep 1.1; #{OURS}::Identity.current_credentials.access_key_id")
  end

  # Log, API, and all files: the database is one of them.
  def everything_shown
    pages = %w[/api/identity /api/identity/audit /api/settings /api/extensions /api/stats].map { |path| legion.get(path).body.b }
    files = Dir.glob("#{legion.home}/**/*", File::FNM_DOTMATCH).select { |path| File.file?(path) }.map { |path| File.binread(path) }
    [legion.log.b, *pages, *files]
  end

  def calls(action) = aws.requests(service: :sts, action: action).size
end

RSpec.configure do |config|
  config.extend Boots
  config.include BootQuestions
  config.after(:suite) { LegionIO.running.dup.each(&:kill) }
end
