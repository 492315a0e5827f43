# frozen_string_literal: true

require 'cli/support/program'

RSpec.describe 'lex-identity-aws legionio' do
  include Program

  let(:ours) { File.join(home, '.legionio/settings/lex-identity-aws.json') }

  let(:entry) { { 'extensions' => { 'categories' => { 'identity' => { 'type' => 'prefix', 'tier' => 0, 'phase' => 0 } } } } }

  def settings(name, content) = file(".legionio/settings/#{name}", JSON.generate(content))

  it 'shows the settings files, what they say of AWS, its own file and the entry for phase 0, and writes nothing' do
    aws = { region: 'eu-west-1', secret_access_key: 'canary-of-the-program', access_key_id: 'AKIAX', role_arn: "#{BrokenWorld::ROLE}legion-worker" }
    others = settings('identity.json', { identity: { aws: aws } })
    broken = file('.legionio/settings/broken.json', '{"secret": "canary-of-the-program", ')
    answer = on_terminal('legionio')
    expect(answer).to have_attributes(exit: 0, stdout: a_string_including(
      "Settings files of LegionIO: #{others}\n", "Left out: #{broken} (it is no JSON, line 1)\n",
      'under identity.aws in them: region, secret_access_key, access_key_id, role_arn',
      "File of this gem: #{ours} (does not exist)\n", 'not in them', '"phase":0', 'region             eu-west-1 (settings)'
    ))
    shows_no_secret(answer.stdout, ['canary-of-the-program'])
    data = in_pipe('legionio', '--json').data
    expect(data).to include('files' => [others], 'unreadable' => { broken => 'it is no JSON, line 1' },
                            'identity_aws' => %w[region secret_access_key access_key_id role_arn],
                            'file' => ours, 'exists' => false, 'phase_zero' => false, 'written' => nil, 'setting' => entry,
                            'settings' => include('region' => { 'value' => 'eu-west-1', 'origin' => 'settings' }))
    expect(File).not_to exist(ours)
  end

  it 'says whether LegionIO is installed' do
    # Without the gems of the user who runs this, and without Bundler's choice of them.
    alone = keys.merge('GEM_HOME' => File.join(home, 'gems'), 'GEM_PATH' => File.join(home, 'gems'), 'RUBYOPT' => nil)
    expect(in_pipe('legionio', env: alone).stdout).to include("LegionIO: the gem legionio is not installed for this Ruby\n")
    expect(in_pipe('legionio', '--json', env: alone).data).to include('legionio' => [])
    file('gems/specifications/legionio-1.9.52.gemspec', "Gem::Specification.new { |s| s.name = 'legionio'; s.version = '1.9.52'; s.authors = s.summary = 'x' }")
    expect(in_pipe('legionio', env: alone).stdout).to include("LegionIO: 1.9.52\n")
  end

  it 'writes the entry into a file of its own, and touches no other' do
    before = settings('extensions.json', { extensions: { categories: { core: { tier: 7 } }, blocked: ['lex-x'] }, other: [1] })
    content = File.read(before)
    expect(in_pipe('legionio', '--write', '--json')).to have_attributes(exit: 0, data: include('phase_zero' => true, 'exists' => true, 'written' => ours))
    expect(File.read(before)).to eq(content)
    expect(JSON.parse(File.read(ours))).to eq(entry)
    expect(File.stat(ours).mode & 0o777).to eq(0o600)
    expect(Dir.children(File.dirname(ours))).to contain_exactly('extensions.json', 'lex-identity-aws.json')
  end

  it 'changes nothing where the entry is there already' do
    in_pipe('legionio', '--write')
    before = [File.read(ours), File.stat(ours).ino]
    expect(in_pipe('legionio', '--write', '--json').data).to include('phase_zero' => true, 'written' => nil)
    expect([File.read(ours), File.stat(ours).ino]).to eq(before)
  end

  it 'keeps what is in its file' do
    settings('lex-identity-aws.json', { identity: { aws: { region: 'eu-west-1' } }, extensions: { categories: { identity: { tier: 3 }, ai: { tier: 9 } } } })
    File.chmod(0o640, ours)
    expect(in_pipe('legionio', '--write', '--json').data).to include('phase_zero' => true)
    expect(JSON.parse(File.read(ours))).to eq('identity'   => { 'aws' => { 'region' => 'eu-west-1' } },
                                              'extensions' => { 'categories' => { 'identity' => { 'tier' => 3, 'type' => 'prefix', 'phase' => 0 },
                                                                                  'ai'       => { 'tier' => 9 } } })
    expect(File.stat(ours).mode & 0o777).to eq(0o640)
  end

  it 'says so where another file, merged later, outranks its own' do
    settings('z-last.json', { extensions: { categories: { identity: { type: 'prefix', phase: 1 } } } })
    answer = in_pipe('legionio', '--write', '--json')
    expect(answer).to have_attributes(exit: 4, data: include('phase_zero' => false, 'written' => ours), stderr: a_string_including(ours, 'merged later'))
  end

  it 'does not touch a file it cannot read' do
    file('.legionio/settings/lex-identity-aws.json', '{"secret": "canary-of-the-program", ')
    answer = in_pipe('legionio', '--write')
    expect(answer).to have_attributes(exit: 4, stderr: a_string_including(ours, 'no JSON object'))
    expect(File.read(ours)).to include('canary-of-the-program')
    shows_no_secret(answer.stdout + answer.stderr, ['canary-of-the-program'])
  end

  it 'says what to write where it may not' do
    file('.legionio/settings', 'a file where the folder should be')
    expect(in_pipe('legionio', '--write')).to have_attributes(exit: 4, stderr: a_string_including(ours, 'cannot be written', '"phase":0'))
  end

  it 'shows the rest where the settings cannot be used' do
    settings('identity.json', { identity: { aws: { role_arn: 'vault://secret/role#arn' } } })
    expect(in_pipe('legionio').stdout).to include('Settings files of LegionIO: ')
    answer = in_pipe('legionio', '--json')
    expect(answer).to have_attributes(exit: 0, data: include('identity_aws' => ['role_arn'], 'settings' => {}),
                                      stderr: a_string_including('cannot be used', 'not resolved yet'))
  end

  it 'says of a reference, which it cannot resolve, who does and how to go on without' do
    settings('identity.json', { identity: { aws: { role_arn: 'vault://secret/role#arn' } } })
    expect(in_pipe('whoami')).to have_attributes(exit: 4, stderr: /Only LegionIO resolves it.*\n--no-legionio leaves identity\.aws out\.$/)
    without = in_pipe('whoami', '--no-legionio', '--role-arn', 'vault://x#y')
    expect(without).to have_attributes(exit: 4, stderr: /\A(?!.*leaves identity).*Only LegionIO resolves it/m)
  end
end
