# frozen_string_literal: true

require 'docs/support/pages'

# The options of the core are one table in Rust. Every page that lists options must list all of them.
RSpec.describe 'The options' do
  # Each option with AllowedIn: Anywhere, OptionOnly or SettingsOnly.
  let(:core) do
    table = Pages.read('ext/aws_identity/src/config/options.rs').scan(/^    option\("(\w+)", (\w+), \w+\),$/).to_h
    expect(table.size).to be > 25
    table
  end
  let(:options) { core.reject { |_, place| place == 'SettingsOnly' }.keys }

  # An option of Session.new alone.
  def without_logger(names) = names - ['logger']

  def accepted?(name)
    Legion::Extensions::Identity::Aws::Session.new(name => nil)
    true
  rescue ArgumentError
    false
  end

  it 'are those the library accepts' do
    expect(core.keys.select { |name| accepted?(name.to_sym) }).to match_array(options)
  end

  it 'are all listed in docs/settings.md, and no other' do
    expect(Pages.first_column(Pages.read('docs/settings.md'))).to match_array(core.keys)
  end

  it 'include those of the README, which has fewer, with the same variables and defaults' do
    rows = ->(text) { text.scan(/^\| `(\w+)`[^|]*\|([^|]*)\|([^|]*)\|/).to_h { |name, *cells| [name, cells.map { |cell| cell.delete('`').strip }] } }
    all   = rows[Pages.read('docs/settings.md')]
    short = rows[Pages.read('README.md')[/^## Settings$.*?^## /m].gsub(/^\| (`\w+`)[^|]*/, '| \\1 ')]
    expect(short.size).to be > 5
    short.each { |name, (variable, default)| expect(all.fetch(name)).to match([start_with(variable), default.sub('none', '')]), name }
  end

  it 'are all listed in docs/options.md, and no other' do
    names = Pages.first_column(Pages.read('docs/options.md')[/.*(?=^## What does not apply)/m]).filter_map { |word| word[/\A[a-z_]+(?=:|\z)/] }
    expect(names.uniq).to match_array(core.keys)
  end

  it 'are all documented at Session.new, and no other' do
    documented = Pages.read('lib/legion/extensions/identity/aws/session.rb').scan(/@option options \[[^\]]+\] :(\w+)/).flatten
    expect(without_logger(documented)).to match_array(options)
  end

  # So that an editor completes them and Steep checks them.
  it 'are all keywords of Session.new and doctor in RBS, and no other' do
    keywords = ->(file, name) { Pages.read(file)[/^ +def #{name}: \(\n(.*?)^ +\) ->/m, 1].scan(/^ +\??(\w+): /).flatten }
    expect(without_logger(keywords.call('sig/legion/extensions/identity/aws/session.rbs', 'initialize'))).to match_array(options)
    expect(keywords.call('sig/legion/extensions/identity/aws.rbs', 'self.doctor') - ['assume']).to match_array(options)
    of_a_role = without_logger(keywords.call('sig/legion/extensions/identity/aws/session.rbs', 'assume_role'))
    expect(of_a_role).to include('role_arn', 'external_id').and(satisfy { |names| (names - options).empty? })
  end

  it 'include every option the examples give' do
    given = Pages.code.flat_map { |piece| piece.text.gsub(/'[^']*'|"[^"]*"/, '').scan(/(?:Session\.new|assume_role|doctor)\((.*)\)/).flatten }
                 .flat_map { |arguments| arguments.scan(/\b([a-z_]+):(?!:)/).flatten }
    expect(given.size).to be > 10
    expect(given.uniq - options - %w[assume]).to be_empty
  end
end
