# frozen_string_literal: true

require 'cli/support/program'

RSpec.describe 'lex-identity-aws profiles' do
  include Program

  worker = "#{BrokenWorld::ROLE}legion-worker"

  before do
    file('.aws/credentials', demo_profile('base'))
    file('.aws/config', "[default]\nregion = eu-west-1\n[profile worker]\nrole_arn = #{worker}\nsource_profile = base\n" \
                        "[profile mfa]\nrole_arn = #{BrokenWorld::ROLE}mfa-only\nsource_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/demo\n" \
                        "[profile lost]\nrole_arn = #{worker}\nsource_profile = gone\n")
  end

  def world = { 'AWS_ENDPOINT_URL_STS' => local_aws.http }
  def text(*words, env: world) = in_pipe('profiles', '--text', *words, env: env).stdout
  def marked(env) = in_pipe('profiles', env: env).data.filter_map { |profile| profile['name'] if profile['in_force'] }

  it 'has a heading, the kind in words, the role, what it asks for, and why it cannot work' do
    lines = text.lines(chomp: true)
    expect(lines.first).to match(/\A +PROFILE +KIND +REGION +CREDENTIALS\z/)
    expect(lines).to include(a_string_matching(/\A   base +static keys +could work\z/), a_string_matching(/\A   worker +assume role +#{worker}\z/),
                             a_string_matching(%r{\A   mfa +assume role +\S+role/mfa-only; asks for an MFA code of arn:aws:iam::123456789012:mfa/demo\z}),
                             a_string_matching(/\A   lost +assume role +cannot work: .*gone/))
  end

  it 'marks the profile in force, and says who names it' do
    expect(text).to match(/^\*  default .*^\* in force, since no profile is named$/m)
    expect(text(env: world.merge('AWS_PROFILE' => 'worker'))).to match(/^\*  worker .*^\* in force \(environment AWS_PROFILE\)$/m)
    file('.legionio/settings/identity.json', JSON.generate(identity: { aws: { profile: 'base' } }))
    expect(text).to match(/^\*  base .*^\* in force \(settings\)$/m)
    expect(text('--no-legionio')).to match(/^\*  default /)
    expect(in_pipe('--profile', 'worker', 'profiles', '--text').stdout).to match(/^\*  worker .*\(option\)$/m)
    expect([marked(world), marked(world.merge('AWS_PROFILE' => 'nowhere'))]).to eq([['base'], ['base']])
  end

  it 'says where another source comes before the profile that is marked' do
    expect(text(env: keys.merge('AWS_PROFILE' => 'worker'))).to match(/\(environment AWS_PROFILE\); its credentials are not used, .*another source/)
  end

  it 'marks none where the named one is not there, or the settings cannot be used' do
    expect(text(env: world.merge('AWS_PROFILE' => 'nowhere'))).not_to match(/^\*/)
    file('.legionio/settings/identity.json', JSON.generate(identity: { aws: { profile: 5 } }))
    answer = in_pipe('profiles', env: world)
    expect(answer).to have_attributes(exit: 0, stderr: a_string_including('no profile is marked', 'profile'))
    expect(answer.data.map { |profile| profile['in_force'] }).to all(be(false))
  end

  it 'says how long the credentials of a role are cached' do
    expect(in_pipe('whoami', '--profile', 'worker', '--cache', env: world).exit).to be(0)
    expect(text).to match(/^   worker .*#{worker}; cached, 59 min left$/)
    cached = in_pipe('profiles', env: world).data.to_h { |profile| profile.values_at('name', 'cached_until') }
    expect(cached).to include('worker' => /\A20\d\d-\d\d-\d\dT.*Z\z/, 'mfa' => nil, 'base' => nil)
  end
end
