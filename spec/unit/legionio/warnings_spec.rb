# frozen_string_literal: true

RSpec.describe Legion::Extensions::Identity::Aws::Identity, '(warnings)' do
  let(:roles) { { a: 'arn:aws:iam::123456789012:role/legion-worker', b: 'arn:aws:iam::123456789012:role/team/deployer' } }

  it 'says once that a key of the settings does not exist, with sessions and roles that read the same settings' do
    settings = { identity: { aws: { regoin: 'eu-west-1', roles: roles } }, client: { ready: true } }
    result = ruby_process(<<~RUBY, env: { **local_aws.env_with_keys, 'AWS_REGION' => 'eu-west-1' })
      require 'logger'
      require #{File.expand_path('support/small_legionio.rb', __dir__).inspect}
      legion = SmallLegionIO.new(#{settings.inspect})
      legion.install
      require 'legion/extensions/identity/aws'
      aws = Legion::Extensions::Identity::Aws
      aws.logger = Logger.new($stdout, level: :warn)
      aws::Identity.resolve
      2.times { aws::Identity.current_credentials.access_key_id }
      sleep 0.01 until #{roles.keys.inspect}.all? { |role| legion.broker.token_for(:aws, qualifier: role) }
      legion.settings.all[:identity][:aws][:region] = 'eu-west-1'
      aws::Identity.resolve
      $stdout.flush
      exit!(0)
    RUBY
    expect(result.stdout.lines).to match([/WARN.*Settings key identity\.aws\.regoin does not exist/]), result.output
  end
end
