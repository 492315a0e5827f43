# frozen_string_literal: true

require 'testing/support/told'

RSpec.describe 'What a stub answers and records' do
  include Told

  it 'tells listeners of each stub before it returns' do
    lines = told(<<~RUBY)
      said = []
      others = []
      subscription = BEFORE.on_change { |event| said << [event.type, event.access_key_id, event.attempt, event.reason] }
      other = Aws::Session.new.tap { |session| session.on_change { |event| others << event.type } }
      Aws::Testing.stub(credentials: { access_key_id: 'ASIAONE' }) do
        Aws::Testing.stub(credentials: { access_key_id: 'ASIATWO' }) do
          p said, BEFORE.credentials.access_key_id
          said.clear
          Aws::Testing.stub(credentials: Aws::ThrottledError.new('slow down')) { p said }
          said.clear
          subscription.unsubscribe
          Aws::Testing.stub { p said, others }
        end
      end
    RUBY
    renewed = [[:refreshed, 'ASIAONE', 0, nil], [:refreshed, 'ASIATWO', 0, nil]]
    expect(lines).to eq([renewed.inspect, '"ASIATWO"', [[:refresh_failed, nil, 1, 'slow down']].inspect, '[]',
                         %i[refreshed refreshed refresh_failed refreshed].inspect])
  end

  it 'tells a new listener of later stubs only, and counts failures' do
    lines = told(<<~RUBY)
      events = []
      Aws::Testing.stub do
        session = Aws::Session.new
        session.on_change { |event| events << event }
        2.times { Aws::Testing.stub(credentials: nil) { nil } }
        Aws::Testing.stub(credentials: { expiration: Time.at(1_900_000_000) }) { nil }
      end
      p events.map(&:type), events.map(&:attempt), events.last.expiration.to_i, events.last.at.nsec % 1000
    RUBY
    expect(lines).to eq(['[:refresh_failed, :refresh_failed, :refreshed]', '[1, 2, 0]', '1900000000', '0'])
  end

  it 'records what was asked, once for each session' do
    lines = told(<<~RUBY)
      session = Aws::Session.new(role_arn: 'arn:aws:iam::123456789012:role/deployer', tags: { team: 'data' }, source: Aws::Credentials.new('AKIAX', 's'))
      Aws::Testing.stub do
        3.times { session.credentials; session.identity }
        session.identity_token(audience: 'vault')
        session.token_for('eks', cluster: 'prod')
        session.refresh!
        BEFORE.prefetch
      end
      found = Aws::Testing.requests
      p found.map(&:what), found.map(&:role_arn).uniq, found[2].words[:audience], found[3].words, found[0].settings.values_at(:tags, :source)
      Aws::Testing.reset
      p Aws::Testing.requests
    RUBY
    expect(lines).to eq(['[:credentials, :identity, :identity_token, :token, :refresh, :prefetch]', '["arn:aws:iam::123456789012:role/deployer", nil]',
                         '["vault"]', { kind: :eks, cluster: 'prod' }.inspect, '["team=data", "set"]', '[]'])
  end

  it 'gives tokens and an environment' do
    lines = told(<<~RUBY)
      require 'json'
      session = Aws::Session.new(region: 'eu-central-1')
      Aws::Testing.stub(credentials: { expiration: Time.now + 120 }) do
        token = session.identity_token(audience: 'vault', duration_seconds: 600, tags: { team: 'data' })
        header, claims = token.token.split('.').take(2).map { |part| JSON.parse(part.tr('-_', '+/').unpack1('m')) }
        puts header['alg'], claims.values_at('aud', 'sub'), claims['exp'] - claims['iat'], token.expiration.to_i - claims['exp'], token.kind
        puts claims.dig('https://sts.amazonaws.com/', 'request_tags', 'team')
        eks = session.token_for(:eks, cluster: 'prod')
        puts eks.token.delete_prefix('k8s-aws-v1.').tr('-_', '+/').unpack1('m')[/sts.eu-central-1.amazonaws.com.*Credential=ASIASTUBSTUBSTUBSTUB/] ? 'signed' : 'not'
        puts eks.expiration <= Time.now + 120, session.token_for(:rds, host: 'db', port: 5432, user: 'app').kind
        puts session.env.values_at('AWS_ACCESS_KEY_ID', 'AWS_SESSION_TOKEN')
        puts said { session.identity_token(audience: []) }, said { session.identity_token(audience: 'x', duration_seconds: 3 ) }
        puts said { session.token_for(:eks, clustr: 'prod') }, said { session.token_for(:eks2) }
      end
      Aws::Testing.stub(credentials: nil) { puts said { session.identity_token(audience: 'x') }, said { session.token_for(:eks, cluster: 'x') }, said { session.env } }
    RUBY
    expect(lines).to eq(%w[RS256 vault arn:aws:iam::123456789012:role/stubbed-role 600 0 identity data signed true rds
                           ASIASTUBSTUBSTUBSTUB stubbed-session-token] + (['ArgumentError'] * 4) + (['NoCredentialsError'] * 3))
  end
end
