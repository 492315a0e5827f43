# frozen_string_literal: true

require 'testing/support/told'

RSpec.describe 'Aws::Testing.forbid_network!' do
  include Told

  it 'refuses every request that has no stub, and no `rescue => e` hides it' do
    lines = told(<<~RUBY)
      Aws::Testing.forbid_network!
      sessions = [BEFORE, Aws::Session.new(source: Aws::Credentials.new('AKIAX', 's'))]
      ways = [:identity, :credentials, :refresh!, :prefetch, :env, :set?, :expiration].map { |way| ->(session) { session.public_send(way) } }
      ways << ->(session) { session.identity_token(audience: 'x') } << ->(session) { session.token_for(:eks, cluster: 'x') }
      puts ways.product(sessions).map { |way, session| said { way.call(session) } }.uniq
      puts said { Aws::Identity.resolve }, said { Aws::Identity.provide_token }, said { CURRENT.access_key_id }
      puts said { Aws.doctor }, said { BEFORE.identity rescue 'hidden' }
      puts said { BEFORE.credentials(fetch: false).inspect }, said { BEFORE.needs_refresh? }, said { Aws.profiles.class.name }
    RUBY
    expect(lines).to eq((['NetworkForbiddenError'] * 6) + %w[nil true Array])
  end

  it 'sends no request first' do
    lines = told(<<~RUBY)
      require 'socket'
      server = TCPServer.new('127.0.0.1', 0)
      session = Aws::Session.new(source: Aws::Credentials.new('AKIAX', 's'), endpoint: "http://127.0.0.1:\#{server.addr[1]}", region: 'eu-west-1',
                                 role_arn: 'arn:aws:iam::123456789012:role/deployer')
      Aws::Testing.forbid_network!
      begin
        session.credentials
      rescue Aws::Testing::NetworkForbiddenError => e
        puts e.message
      end
      puts server.accept_nonblock(exception: false)
    RUBY
    expect(lines).to match([/\AA request to AWS is forbidden here \(credentials of a session with role_arn arn:aws:iam::123456789012:role.deployer\)/,
                            'wait_readable'])
  end

  it 'lets a stub answer, and ends with allow_network!' do
    lines = told(<<~RUBY)
      Aws::Testing.forbid_network!
      Aws::Testing.stub { puts said { BEFORE.identity.canonical_name } }
      puts said { BEFORE.identity }
      Aws::Testing.allow_network! { puts said { BEFORE.identity } }
      puts said { BEFORE.identity }
      Aws::Testing.allow_network!
      puts said { BEFORE.identity }
    RUBY
    expect(lines).to eq(%w[stubbed-role NetworkForbiddenError NotOnAwsError NetworkForbiddenError NotOnAwsError])
  end
end
