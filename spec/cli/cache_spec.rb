# frozen_string_literal: true

require 'cli/support/program'
require 'legion/extensions/identity/aws/cli/time_left'

RSpec.describe 'lex-identity-aws cache' do
  include Program

  worker = "#{BrokenWorld::ROLE}legion-worker"
  cli_name = Digest::SHA1.hexdigest('what the AWS CLI made')

  let(:folder) { File.join(home, '.aws/cli/cache') }

  def settings(**aws) = file('.legionio/settings/identity.json', JSON.generate(identity: { aws: aws }))
  def entries = Dir.children(folder).grep(/\.json\z/).sort

  # A file as the AWS CLI writes it.
  def cli_file(name, expiration, mode: 0o600)
    keys = { AccessKeyId: 'ASIACLI', SecretAccessKey: 'canary/secret', SessionToken: 'canary/token', Expiration: expiration.strftime('%Y-%m-%dT%H:%M:%SUTC') }
    role = { Arn: 'arn:aws:sts::123456789012:assumed-role/Cli/botocore-session-1' }
    file(".aws/cli/cache/#{name}.json", JSON.generate(Credentials: keys, AssumedRoleUser: role), mode: mode)
  end

  before do
    settings(cache: true, role_arn: worker, roles: { deploy: { role_arn: worker, role_session_name: 'deployer' }, odd: 5,
                                                     small: { scope_policy: '{}' }, same: worker })
    in_pipe('whoami')
    in_pipe('whoami', '--qualifier', 'deploy')
    cli_file(cli_name, Time.now.utc + 7200)
    file('.aws/cli/cache/session.db', '')
  end

  it 'lists what the settings make, with whose it is and its end, and with --all every entry' do
    answer = in_pipe('cache', 'list')
    expect(answer).to have_attributes(exit: 1, stderr: a_string_including('odd: identity.aws.roles.odd is'))
    expect(answer.data.map { |entry| entry['identities'] }).to contain_exactly(['default', 'role same'], ['role deploy'])
    expect(answer.data.find { |entry| entry['identities'] == ['role deploy'] })
      .to include('assumed_role_arn' => %r{legion-worker/deployer\z}, 'access_key_id' => /\AASIA/, 'expiration' => /\A20\d\d-.*Z\z/, 'unusable' => nil)
    all = in_pipe('cache', 'list', '--all')
    expect(all.data.map { |entry| File.basename(entry['file']) }).to eq(entries)
    expect(all.data.find { |entry| entry['identities'].empty? }).to include('access_key_id' => 'ASIACLI')
    shows_no_secret(all.stdout + all.stderr, %w[canary/secret canary/token])
  end

  it 'says which role has an option that does not exist, and lists the others' do
    settings(cache: true, role_arn: worker, roles: { bad: { role_arn: worker, role_arm: 'x' }, deploy: { role_arn: worker, role_session_name: 'deployer' } })
    answer = in_pipe('cache', 'list')
    expect(answer).to have_attributes(exit: 1, stderr: a_string_including('bad: ', 'role_arm'))
    expect(answer.data.map { |entry| entry['identities'] }).to contain_exactly(['default'], ['role deploy'])
  end

  it 'shows the time left, and why an entry is not used' do
    cli_file(cli_name, Time.now.utc - 7200)
    cli_file(cli_name.reverse, Time.now.utc + 7200, mode: 0o644)
    text = on_terminal('cache', 'list', '--all').stdout
    expect(text).to match(/FOR +LEFT +CREDENTIALS/)
    expect(text).to match(%r{^role deploy +59 min +arn:aws:sts::123456789012:assumed-role/legion-worker/deployer$})
    expect(text).to match(%r{^ +expired +arn:aws:sts::123456789012:assumed-role/Cli/})
    expect(text).to match(/^ +unusable .*others may read/)
  end

  it 'clears what the settings make, and all else with --all alone' do
    expect(in_pipe('cache', 'clear', '--profile', 'none')).to have_attributes(exit: 4, stdout: '')
    expect(entries.size).to be(3)
    cleared = in_pipe('cache', 'clear', '--text')
    expect(cleared.stdout.scan(/^Removed: /).size).to be(2)
    expect(entries).to eq(["#{cli_name}.json"])
    expect(in_pipe('cache', 'clear', '--text').stdout).to include('There is no entry of these settings')
    expect(in_pipe('cache', 'clear', '--all').data.map { |entry| entry['access_key_id'] }).to eq(['ASIACLI'])
    expect([entries, File.exist?(File.join(folder, 'session.db'))]).to eq([[], true])
  end

  it 'lists and clears all with --all where the settings cannot be used, and says what is wrong with them' do
    { 'AWS_REGION' => 'us east', 'AWS_ENDPOINT_URL_STS' => 'nonsense' }.each do |name, value|
      expect(in_pipe('cache', 'list', env: { name => value })).to have_attributes(exit: 4, stdout: '')
      answer = in_pipe('cache', 'list', '--all', env: { name => value })
      expect(answer).to have_attributes(exit: 1, stderr: a_string_including('default: ', name, value))
      expect(answer.data.size).to be(3)
    end
    file('.aws/config', "[default\n")
    answer = in_pipe('cache', 'clear', '--all')
    expect(answer).to have_attributes(exit: 1, stderr: a_string_including("does not end with ']'"))
    expect([answer.data.size, entries]).to eq([3, []])
    answer = in_pipe('cache', 'clear', '--all', '--cache', 'elsewhere', '--text', env: { 'AWS_REGION' => 'us east' })
    expect(answer.stdout).to include('There are no entries in', 'elsewhere')
  end

  it 'takes the options of the command line, which choose one identity' do
    answer = in_pipe('cache', 'clear', '--role-arn', worker, '--role-session-name', 'deployer')
    expect(answer).to have_attributes(exit: 0, stderr: '')
    expect(answer.data.map { |entry| entry['assumed_role_arn'] }).to match([%r{/deployer\z}])
    expect(entries.size).to be(2)
  end

  it 'lists session tokens of the settings' do
    settings(cache: true, get_session_token: true)
    in_pipe('whoami')
    text = on_terminal('cache', 'list').stdout
    expect(text).to include("session token of #{keys.fetch('AWS_ACCESS_KEY_ID')}")
  end

  it 'says nothing of the cache being off where a role has one' do
    settings(roles: { deploy: { role_arn: worker, role_session_name: 'deployer', cache: true } })
    answer = in_pipe('cache', 'list')
    expect(answer).to have_attributes(exit: 0, stderr: '')
    expect(answer.data.map { |entry| entry['identities'] }).to eq([['role deploy']])
  end

  it 'says where the cache is off or empty, and makes no folder' do
    settings
    expect(in_pipe('cache', 'list')).to have_attributes(exit: 0, stdout: "[]\n")
    expect(in_pipe('cache', 'list', '--text').stdout).to include('The cache is off here')
    %w[list clear].each { |verb| expect(in_pipe('cache', verb, '--all')).to have_attributes(data: [], stderr: a_string_including('The cache is off here')) }
    expect(in_pipe('cache', 'list', '--text', '--cache', 'elsewhere').stdout).to include('no entry of these settings in', 'elsewhere')
    expect(File.exist?('elsewhere')).to be(false)
    ['cache', 'cache lost', 'cache list clear'].each { |line| expect(in_pipe(*line.split)).to have_attributes(exit: 2, stdout: '') }
  end

  it 'has words for the time that is left' do
    now = Time.at(0)
    words = [-1, 0.5, 59, 60, 3599, 3600, 43_199].map { |seconds| Legion::Extensions::Identity::Aws::Cli::TimeLeft.of(now + seconds, now) }
    expect(words).to eq(['expired', 'expired', '59 s', '1 min', '59 min', '1 h 0 min', '11 h 59 min'])
  end
end
