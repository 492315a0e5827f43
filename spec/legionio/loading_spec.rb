# frozen_string_literal: true

require 'legionio/support/boots'

RSpec.describe 'LegionIO loading the gem' do
  registered = ->(legion) { legion.api('/api/identity')[:registered_providers].map { |provider| provider[:name] } }

  before do
    @aws = LocalAws.start
    @env = @aws.env_with_keys.merge('AWS_REGION' => 'eu-west-1').compact
  end
  after do
    @legion&.kill
    @aws.stop
  end

  attr_reader :legion, :aws

  def boot(**given) = @legion = LegionIO.boot(env: @env, **given)

  it 'finds it registered once where it was required before LegionIO was there' do
    boot(preload: '-rlex-identity-aws')
    expect(registered[legion]).to eq(%w[aws aws_profile])
    expect(identity).to include(canonical_name: 'demo', trust: 'verified')
  end

  it 'finds it registered once where Bundler has required it' do
    boot(preload: "-r#{File.expand_path('support/bundled.rb', __dir__)}", settings: LegionIO::PHASE_ZERO,
         files: { 'Gemfile' => "gem 'legionio'\ngem 'lex-identity-aws'\n" })
    expect(legion.ask('defined?(Bundler.load) && Bundler.load.specs.map(&:name)')).to include('lex-identity-aws', 'legionio')
    expect(registered[legion]).to eq(%w[aws aws_profile])
    expect(identity).to include(canonical_name: 'demo', trust: 'verified')
  end

  it 'loads the newest where an older one is installed beside it' do
    boot(gems: %w[peer ours])
    expect(legion.ask("#{BootQuestions::OURS}::VERSION")).to eq(Legion::Extensions::Identity::Aws::VERSION)
    expect(registered[legion]).to eq(%w[aws aws_profile])
  end

  it 'takes it into phase 0 when extensions.identity lists it' do
    boot(settings: { extensions: { identity: ['lex-identity-aws'] } })
    expect(registered[legion]).to eq(%w[aws aws_profile])
    expect(legion.lines_of_ours).to match([/this process is demo .* ms\)\z/])
    expect(legion.log.index('this process is')).to be < legion.log.index('Setting up Legion::LLM')
  end

  it 'leaves it alone where identity.aws says enabled: false' do
    boot(settings: { **LegionIO::PHASE_ZERO, identity: { aws: { enabled: false } } })
    expect(registered[legion]).to be_empty
    expect(legion.lines_of_ours).to be_empty
    expect(aws.requests).to be_empty
  end

  it 'leaves it alone where extensions.identity.aws says enabled: "false", which LegionIO takes for true' do
    boot(settings: { extensions: { identity: { aws: { enabled: 'false' } } } })
    expect(registered[legion]).to be_empty
    expect(aws.requests).to be_empty
  end

  it 'switches the role at a reload' do
    boot(api: false, settings: { identity: { aws: { role_arn: BootQuestions::WORKER } } })
    before = token
    legion.settings = { identity: { aws: { role_arn: BootQuestions::DEPLOYER } } }
    legion.ask('begin; Legion.reload; rescue NoMethodError; nil; end', timeout: 60) # LegionIO's own: Legion::MCP.reset!
    legion.wait_for { token && token != before }
    legion.wait_for { legion.ask('Legion::Identity::Process.identity_hash[:canonical_name]') == 'deployer' }
    expect(legion.ask('Legion::Identity::Process.identity_hash.slice(:canonical_name, :trust, :aliases)'))
      .to eq(canonical_name: 'deployer', trust: :verified, aliases: { aws: ['arn:aws:iam::123456789012:role/deployer'] })
    expect(legion.ask('Legion::Identity::Broker.renewer_for(:aws).provider.current_credentials.access_key_id')).to eq(token)
    expect(aws.requests(service: :sts).size).to eq(4)
  end
end
