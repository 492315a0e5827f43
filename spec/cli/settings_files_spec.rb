# frozen_string_literal: true

require 'cli/support/program'

RSpec.describe 'lex-identity-aws and a settings file' do
  include Program

  it 'that has no object under identity.aws: no other identity is taken' do
    file('.legionio/settings/identity.json', '{"identity": {"aws": "arn:aws:iam::123456789012:role/canary"}}')
    %w[whoami credentials].each do |command|
      answer = in_pipe(command)
      expect([answer.exit, answer.stdout, answer.stderr]).to match([4, '', a_string_including('identity.aws holds a value')]), command
      expect(answer.stderr).not_to include('canary')
    end
    expect(in_pipe('legionio').stderr).to include('identity.aws holds a value')
    settings = in_pipe('doctor', '--json').data.fetch('findings').select { |finding| finding['check'] == 'settings' }
    expect(settings).to contain_exactly(
      a_hash_including('status' => 'fail', 'what' => a_string_including('identity.aws holds a value'), 'remedy' => a_string_including('Write one there'))
    )
  end

  it 'that is no JSON: it is said by every command that reads the settings' do
    broken = file('.legionio/settings/identity.json', '{"identity": {"aws": {"region": "canary",}}}')
    [%w[whoami], %w[credentials], %w[doctor], %w[legionio]].each do |words|
      expect(in_pipe(*words).stderr).to include("the settings file #{broken} is left out: it is no JSON"), words.first
      expect(in_pipe(*words, '--no-legionio').stderr).not_to include(broken) unless words.first == 'legionio'
    end
    found = in_pipe('doctor', '--json').data.fetch('findings').select { |finding| finding['name'] == 'settings file' }
    expect(found).to contain_exactly(a_hash_including('status' => 'warn', 'what' => a_string_including(broken)))
  end

  it 'is left out where it is a FIFO, a folder or a device, without a wait' do
    file('.legionio/settings/identity.json', '{"identity": {"aws": {"region": "eu-west-3"}}}')
    folder = File.join(home, '.legionio/settings')
    File.mkfifo(File.join(folder, 'fifo.json'))
    Dir.mkdir(File.join(folder, 'folder.json'))
    File.symlink('/dev/zero', File.join(folder, 'zero.json'))
    [%w[whoami], %w[credentials], %w[doctor], %w[legionio]].each do |words|
      stderr = Timeout.timeout(20) { in_pipe(*words).stderr }
      %w[fifo folder zero].each { |name| expect(stderr).to include("#{folder}/#{name}.json is left out: it is no regular file"), words.first }
    end
  end

  it 'is left out where it is too long, and its byte order mark is no part of it' do
    long = file('.legionio/settings/long.json', '')
    File.truncate(long, (16 * 1024 * 1024) + 1)
    file('.legionio/settings/marked.json', "\uFEFF{\"identity\": {\"aws\": {\"region\": \"eu-west-3\"}}}")
    run = in_pipe('whoami')
    expect(run.stderr).to include("#{long} is left out: it is longer than 16777216 bytes")
    expect(run.data['region']).to eq('eu-west-3')
  end
end
