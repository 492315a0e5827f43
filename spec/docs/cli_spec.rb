# frozen_string_literal: true

require 'docs/support/pages'
require 'legion/extensions/identity/aws/cli'

RSpec.describe 'The command line' do
  cli = Legion::Extensions::Identity::Aws::Cli

  let(:page) { Pages.read('docs/cli.md') }
  let(:names) { cli::Command.all.map(&:command_name) }
  let(:helps) { names.to_h { |name| [name, cli::Arguments.new([name, '--help']).answer] } }

  def flags(text) = text.scan(/(?<![\w-])--[a-z][a-z-]*/).uniq

  it 'has the commands that docs/cli.md lists' do
    expect(page[/\A# .*?\n\n((?:    .*\n)+)/, 1].scan(/lex-identity-aws (\w+)/).flatten).to eq(names)
  end

  it 'has the options that docs/cli.md lists, and no other' do
    expect(flags(page)).to match_array(helps.values.flat_map { |help| flags(help) }.uniq - %w[--help --version])
  end

  it 'has the exit statuses that docs/cli.md and --help list' do
    numbers = cli::STATUSES.values.map(&:first)
    expect(page[/^## Exit status$.*/m].scan(/^\| (\d+) \|/).flatten.map(&:to_i)).to match_array(numbers)
    expect(helps['whoami'][/^Exit status$.*/m].scan(/^ *(\d+)  /).flatten.map(&:to_i)).to match_array(numbers)
  end
end
