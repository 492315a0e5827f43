# frozen_string_literal: true

require 'cli/support/program'

RSpec.describe 'lex-identity-aws and a settings file that is no JSON' do
  include Program

  it 'is said by every command that reads the settings' do
    broken = file('.legionio/settings/identity.json', '{"identity": {"aws": {"region": "canary",}}}')
    [%w[whoami], %w[credentials], %w[doctor], %w[legionio]].each do |words|
      expect(in_pipe(*words).stderr).to include("the settings file #{broken} is left out: it is no JSON"), words.first
      expect(in_pipe(*words, '--no-legionio').stderr).not_to include(broken) unless words.first == 'legionio'
    end
    found = in_pipe('doctor').data.fetch('findings').select { |finding| finding['name'] == 'settings file' }
    expect(found).to contain_exactly(a_hash_including('status' => 'warn', 'what' => a_string_including(broken)))
  end
end
