# frozen_string_literal: true

# What the Ruby blocks of a page take for granted: code that runs before them, a machine for them, and what holds after a block that the page
# does not say itself. A block is named by a part of its text.
module Given
  Page = Struct.new(:before, :after, :world, :machine, keyword_init: true)

  AWS_SDK = <<~RUBY
    require 'aws-sdk-core'
    module Aws::S3; Client = Aws::STS::Client; end # the specs have aws-sdk-core only, which includes STS
  RUBY
  OURS = "require 'legion/extensions/identity/aws'\n"
  SESSION = "#{OURS}session = Legion::Extensions::Identity::Aws::Session.new\n".freeze
  DEPLOY = <<~RUBY.freeze
    #{OURS}
    class Deploy
      def initialize = @session = Legion::Extensions::Identity::Aws::Session.new(role_arn: 'arn:aws:iam::123456789012:role/deployer')
      def call = @session.credentials
      def name = @session.identity.canonical_name
    end
  RUBY

  # LegionIO as far as this gem talks to it, after its first resolve, with a lease for each role and token that the settings name.
  def self.legionio(settings)
    <<~RUBY
      require 'json'
      require 'logger'
      require 'unit/legionio/support/small_legionio'
      LEGION = SmallLegionIO.new(JSON.parse(#{JSON.generate(settings).dump}, symbolize_names: true).merge(client: { ready: true }))
      LEGION.install
      require 'legion/extensions/identity/aws'
      aws = Legion::Extensions::Identity::Aws
      aws.logger = Logger.new($stderr, level: :warn)
      RESOLVED = aws::Identity.resolve
      named = LEGION.settings.dig(:identity, :aws).to_h.values_at(:roles, :tokens).compact.flat_map(&:keys)
      limit = Time.now + 10
      sleep 0.01 until RESOLVED.nil? || Time.now > limit || named.all? { |name| Legion::Identity::Broker.token_for(:aws, qualifier: name) }
    RUBY
  end

  PAGES = {
    'README.md'             => Page.new(
      before:  "#{AWS_SDK}module MyProvider; def self.token = 'token'; end\n",
      after:   { 'Aws::S3::Client.new' => "value.get_caller_identity.arn.include?('assumed-role/deployer/') or raise 'the client has not that role'",
                 'session.scoped'      => "value or raise 'the child did not get the credentials'" },
      world:   { imds:  { role: 'arn:aws:iam::123456789012:role/legion-worker', instance_id: 'i-0abc' },
                 roles: { 'arn:aws:iam::123456789012:role/deployer' => { external_id: 'partner-42' } } },
      machine: :ec2
    ),
    'docs/doctor.md'        => Page.new(
      before: "#{OURS}error = LoadError.new('cannot load such file')\n",
      after:  { 'report.to_h' => 'report.ok? or raise report.to_s', 'library_error' => "value.to_s.include?('cannot load such file') or raise value.to_s" }
    ),
    'docs/places/laptop.md' => Page.new(before: OURS),
    'docs/ruby.md'          => Page.new(
      before: <<~RUBY,
        #{AWS_SDK}
        session = nil
        def gem(name) = require(name) # as Bundler.require does
        def before_worker_boot = yield
      RUBY
      after:  { 'Aws.config.update'   => "Aws::STS::Client.new.get_caller_identity.arn.include?('assumed-role/app/') or raise 'not the role'",
                'AwsHealthController' => 'AwsHealthController.new.show',
                'ActiveSupport'       => 'AWS_SESSION.refresh!',
                'tracer.start_span'   => 'AWS_SESSION.refresh!' }
    ),
    'docs/testing.md'       => Page.new(
      before: <<~RUBY,
        #{SESSION}
        require 'rspec/core'
        require 'legion/extensions/identity/aws/testing'
        AwsTesting = Legion::Extensions::Identity::Aws::Testing
        pool = Object.new
        def pool.reconnect = @times = times + 1
        def pool.times = @times.to_i
      RUBY
      after:  { 'pool.reconnect' => "pool.times == 1 or raise 'told ' + pool.times.to_s + ' times'" }
    ),
    'docs/tokens.md'        => Page.new(
      before:  <<~RUBY,
        #{AWS_SDK}#{SESSION}
        host = 'db.example'
        address = 'https://cluster.example'
      RUBY
      after:   { 'FromAws' => "FromAws.new(session).get_token.count('.') == 2 or raise 'no token'" },
      machine: :ec2
    )
  }.freeze

  def self.for(page) = PAGES.fetch(page) { raise "#{page}: spec/docs/support/given.rb does not say what its Ruby blocks take for granted" }
end
