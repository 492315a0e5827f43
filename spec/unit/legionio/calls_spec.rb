# frozen_string_literal: true

# How many Ruby calls in our own files it takes, on the thread that asks. More than that is a detour.
RSpec.describe Legion::Extensions::Identity::Aws::Identity, '(calls)' do
  asked = %w[provide_token resolve current_credentials.access_key_id].freeze

  def count(*asked, inside:)
    code = <<~RUBY
      require #{File.expand_path('support/small_legionio.rb', __dir__).inspect}
      require 'legion/extensions/identity/aws'
      Identity = Legion::Extensions::Identity::Aws::Identity
      legion = SmallLegionIO.new(identity: { aws: { roles: { deploy: 'arn:aws:iam::123456789012:role/team/deployer' } } }, client: { ready: true })
      legion.install if #{inside}
      Identity.resolve
      Identity.provide_token
      Identity.current_credentials.access_key_id
      sleep 0.01 until !#{inside} || legion.broker.token_for(:aws, qualifier: :deploy)
      # For what the background job does after the last lease.
      sleep 0.01 while #{inside} && Identity.const_get(:SYNC).instance_variable_get(:@job).running?
      count = lambda do |&ask|
        calls = 0
        asking = Thread.current
        TracePoint.new(:call) { |call| calls += 1 if Thread.current == asking && call.path.include?('lib/legion/extensions/identity/') }.enable(&ask)
        calls
      end
      puts [#{asked.map { |call| "count.call { Identity.#{call} }" }.join(', ')}].join(' ')
      $stdout.flush
      exit!(0)
    RUBY
    ruby_process(code, env: { **local_aws.env_with_keys, 'AWS_REGION' => 'eu-west-1' }).then do |result|
      result.stdout.empty? ? raise(result.output) : asked.zip(result.stdout.split.map(&:to_i)).to_h
    end
  end

  # 144, 132 and 9 before there was one way for each.
  it 'takes at most 40 to lease credentials that are held in LegionIO with a role, and to tell a known identity; 12 to read a key' do
    expect(count(*asked, inside: true)).to match(
      'provide_token' => be_between(10, 40), 'resolve' => be_between(10, 40), 'current_credentials.access_key_id' => be_between(3, 12)
    )
  end

  it 'takes at most 30 to lease credentials without LegionIO' do
    expect(count('provide_token', inside: false)).to match('provide_token' => be_between(10, 30))
  end
end
