# frozen_string_literal: true

require 'cli/support/program'

RSpec.describe 'lex-identity-aws and a settings file' do
  include Program

  it 'that has no object under identity.aws: no other identity is taken' do
    file('.legionio/settings/identity.json', '{"identity": {"aws": "arn:aws:iam::123456789012:role/canary"}}')
    %w[whoami credentials legionio].each do |command|
      answer = in_pipe(command)
      expect([answer.exit, answer.stdout, answer.stderr]).to match([4, '', a_string_including('identity.aws holds a value')]), command
      expect(answer.stderr).not_to include('canary')
    end
    settings = in_pipe('doctor').data.fetch('findings').select { |finding| finding['check'] == 'settings' }
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
    found = in_pipe('doctor').data.fetch('findings').select { |finding| finding['name'] == 'settings file' }
    expect(found).to contain_exactly(a_hash_including('status' => 'warn', 'what' => a_string_including(broken)))
  end
end
