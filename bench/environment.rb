# frozen_string_literal: true

require 'open3'
require 'rbconfig'
require 'tmpdir'
require 'fileutils'
require_relative '../spec/support/local_aws'

# Where contestants run: fresh Rubies with the same few environment variables and nothing else, and a local AWS.
class Environment
  RUN_ONE = File.expand_path('run_one.rb', __dir__)
  ROLE = 'arn:aws:iam::123456789012:role/legion-worker'
  WEB_IDENTITY_ROLE = 'arn:aws:iam::123456789012:role/irsa-app'

  attr_reader :aws

  def self.open
    aws = LocalAws.start
    Dir.mktmpdir('bench') { |home| yield new(aws, home) }
  ensure
    aws&.stop
  end

  def initialize(aws, home)
    @aws = aws
    @home = home
    @keys = aws.env_with_keys
  end

  # Variables of a pod of EKS with a role of its own.
  def web_identity
    file = File.join(@home, 'web-identity-token')
    File.write(file, aws.world.fetch('web_identity_tokens').keys.first)
    aws.env.merge('AWS_ROLE_ARN' => WEB_IDENTITY_ROLE, 'AWS_WEB_IDENTITY_TOKEN_FILE' => file)
  end

  # What a probe said: a Hash of numbers, or of text where the contestant failed.
  def run_one(rival, probe, *arguments, tls: false, env: nil)
    output, errors, status = Open3.capture3(environment(env || keys(tls: tls)), *command(rival, probe, *arguments), unsetenv_others: true)
    raise "#{probe} of #{rival.title} failed: #{errors}" unless status.success?

    output.lines(chomp: true).to_h do |line|
      key, value = line.split("\t", 2)
      key.end_with?('!') ? [key.chomp('!').to_sym, value] : [key.to_sym, value.to_f]
    end
  end

  # So many processes at once, with an empty home: the seconds until the last has exited, and how many did what they should.
  def crowd(rival, probe, size)
    FileUtils.rm_rf(Dir["#{@home}/.aws"])
    started = now
    processes = Array.new(size) do
      spawn(environment(keys.merge('BENCH_CACHE' => 'true')), *command(rival, probe), unsetenv_others: true, out: File::NULL, err: File::NULL)
    end
    fine = processes.count { |pid| Process.wait2(pid).last.success? }
    [now - started, fine]
  end

  # Rules of the local AWS for the block, with an empty log.
  def with_rules(*rules)
    aws.reset
    rules.each { |rule| aws.rule(**rule) }
    yield
  ensure
    aws.reset
  end

  private

  def command(rival, probe, *arguments)
    [RbConfig.ruby, *rival.load_path.flat_map { |folder| ['-I', folder] }, RUN_ONE, rival.key.to_s, probe, *arguments]
  end

  def environment(entries)
    { 'PATH' => ENV.fetch('PATH'), 'HOME' => @home, 'AWS_REGION' => 'us-east-1', 'BENCH_ROLE' => ROLE, 'AWS_ENDPOINT_URL_STS' => aws.http, **entries.compact }
  end

  def keys(tls: false)
    tls ? @keys.merge(aws.env(tls: true)) : @keys
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end
