# frozen_string_literal: true

require 'docs/support/pages'

# The options of the core are one table in Rust. Every page that lists them lists these, all of them.
RSpec.describe 'The options' do
  # Each with the place where it may stand: Anywhere, OptionOnly or SettingsOnly.
  let(:core) do
    table = Pages.read('ext/aws_identity/src/config/options.rs').scan(/^    option\("(\w+)", (\w+), \w+\),$/).to_h
    expect(table.size).to be > 25
    table
  end
  let(:options) { core.reject { |_, place| place == 'SettingsOnly' }.keys }

  # Session.new's own, which is not the core's.
  def without_logger(names) = names - ['logger']

  def accepted?(name)
    Legion::Extensions::Identity::Aws::Session.new(name => nil)
    true
  rescue ArgumentError
    false
  end

  it 'are what the library takes' do
    expect(core.keys.select { |name| accepted?(name.to_sym) }).to match_array(options)
  end

  it 'stand in the README, all of them and no other' do
    table = Pages.read('README.md')[/^## Settings$.*?^## /m]
    expect(Pages.first_column(table) - %w[true false]).to match_array(core.keys)
  end

  it 'stand in docs/options.md, all of them and no other' do
    words = Pages.first_column(Pages.read('docs/options.md')[/.*(?=^## What does not apply)/m]).filter_map { |word| word[/\A[a-z_]+(?=:|\z)/] }
    expect(words.uniq).to match_array(core.keys)
  end

  it 'stand in the documentation of Session.new, all of them and no other' do
    documented = Pages.read('lib/legion/extensions/identity/aws/session.rb').scan(/@option options \[[^\]]+\] :(\w+)/).flatten
    expect(without_logger(documented)).to match_array(options)
  end

  it 'are those the examples give' do
    given = Pages.code.flat_map { |piece| piece.text.gsub(/'[^']*'|"[^"]*"/, '').scan(/(?:Session\.new|assume_role|doctor)\((.*)\)/).flatten }
                 .flat_map { |arguments| arguments.scan(/\b([a-z_]+):(?!:)/).flatten }
    expect(given.size).to be > 10
    expect(given.uniq - options - %w[assume]).to be_empty
  end
end
