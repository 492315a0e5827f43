# frozen_string_literal: true

require 'docs/support/blocks'
require 'legionio/support/boots'

# What the pages mark with `run in LegionIO`.
RSpec.describe 'The blocks of the pages in LegionIO' do
  boots { { settings: { identity: { aws: { role_arn: BootQuestions::WORKER, roles: { reader: BootQuestions::DEPLOYER } } } } } }

  before { legion.wait_for(what: 'the lease of a role') { token(:reader) } }

  blocks = Blocks.run('ruby').select(&:in_legionio?)

  it('are there') { expect(blocks.map(&:page).uniq).to contain_exactly('README.md', 'docs/legionio.md') }

  blocks.each do |block|
    it "give something in each line: #{block.place}" do
      expect(block.text.lines.map { |line| [line, legion.ask("!(#{line.sub(/#.*/, '').strip}).nil?")] }).to all(match([anything, true]))
    end
  end
end
