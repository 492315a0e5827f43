# frozen_string_literal: true

require 'cli/support/program'

RSpec.describe 'lex-identity-aws legionio' do
  include Program

  let(:ours) { File.join(home, '.legionio/settings/lex-identity-aws.json') }

  def settings(name, content) = file(".legionio/settings/#{name}", JSON.generate(content))

  it 'shows the phase, the setting that makes it 0, and the settings in force' do
    settings('identity.json', { identity: { aws: { region: 'eu-west-1' } } })
    answer = on_terminal('legionio')
    expect(answer).to have_attributes(exit: 0, stdout: a_string_including('in phase 1', '"phase":0', 'region             eu-west-1 (settings)'))
    expect(in_pipe('legionio').data).to include('phase' => 1, 'written' => nil, 'files' => [File.join(home, '.legionio/settings/identity.json')],
                                                'settings' => include('region' => { 'value' => 'eu-west-1', 'origin' => 'settings' }))
    expect(File).not_to exist(ours)
  end

  it 'adds the setting, in a file of its own, and then it is phase 0' do
    before = settings('extensions.json', { extensions: { categories: { core: { tier: 7 } }, blocked: ['lex-x'] }, other: [1] })
    content = File.read(before)
    expect(in_pipe('legionio', '--write')).to have_attributes(exit: 0, data: include('phase' => 0, 'written' => ours))
    expect(File.read(before)).to eq(content)
    expect(JSON.parse(File.read(ours))).to eq('extensions' => { 'categories' => { 'identity' => { 'type' => 'prefix', 'tier' => 0, 'phase' => 0 } } })
    expect(File.stat(ours).mode & 0o777).to eq(0o600)
    expect(Dir.children(File.dirname(ours))).to contain_exactly('extensions.json', 'lex-identity-aws.json')
  end

  it 'changes nothing where it is phase 0 already' do
    in_pipe('legionio', '--write')
    before = [File.read(ours), File.stat(ours).ino]
    expect(in_pipe('legionio', '--write').data).to include('phase' => 0, 'written' => nil)
    expect([File.read(ours), File.stat(ours).ino]).to eq(before)
  end

  it 'keeps what is in its file' do
    settings('lex-identity-aws.json', { identity: { aws: { region: 'eu-west-1' } }, extensions: { categories: { identity: { tier: 3 }, ai: { tier: 9 } } } })
    File.chmod(0o640, ours)
    expect(in_pipe('legionio', '--write').data).to include('phase' => 0)
    expect(JSON.parse(File.read(ours))).to eq('identity'   => { 'aws' => { 'region' => 'eu-west-1' } },
                                              'extensions' => { 'categories' => { 'identity' => { 'tier' => 3, 'type' => 'prefix', 'phase' => 0 },
                                                                                  'ai'       => { 'tier' => 9 } } })
    expect(File.stat(ours).mode & 0o777).to eq(0o640)
  end

  it 'says so where the setting is there and another file outranks it' do
    settings('z-last.json', { extensions: { categories: { identity: { type: 'prefix', phase: 1 } } } })
    expect(in_pipe('legionio', '--write')).to have_attributes(exit: 4, data: include('phase' => 1, 'written' => ours))
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

  it 'shows the phase also where the settings are no use' do
    settings('identity.json', { identity: { aws: { role_arn: 'vault://secret/role#arn' } } })
    answer = in_pipe('legionio')
    expect(answer).to have_attributes(exit: 0, data: include('phase' => 1, 'settings' => {}), stderr: a_string_including('cannot be used', 'not resolved yet'))
  end
end
