# frozen_string_literal: true

require 'docs/support/pages'

# The table of errors in docs/migrating.md against the two libraries.
RSpec.describe 'docs/migrating.md' do
  # Each class of aws-sdk-ruby with the classes of ours beside it.
  let(:table) do
    rows = Pages.read('docs/migrating.md')[/^### Errors$.*?^\| ---.*?\n(.*?)\n\n/m, 1].lines
    rows = rows.map { |row| row.split(' | ').first(2).map { |cell| cell.scan(/`([\w:]+)`/).flatten } }
    rows.flat_map { |theirs, ours| theirs.map { |name| [name, ours] } }.to_h
  end

  # Those of a region are about endpoints, and any other error of STS has a class of its own code there.
  it 'says which error there is here in place of one of aws-sdk-ruby' do
    program = "$LOAD_PATH << #{File.expand_path('..', __dir__).inspect}\nrequire 'docs/support/same_trouble'\nputs JSON.generate(SameTrouble.report)"
    result = ruby_process(program, env: { **local_aws.env, 'AWS_REGION' => 'eu-west-1' }, timeout: 50)
    pairs = JSON.parse(result.stdout).transform_values { |theirs, ours| [theirs, ours.to_s.split('::').last] }
    pairs.each { |trouble, (theirs, ours)| expect(table.fetch(theirs) { [] }).to include(ours), "#{trouble}: #{theirs} there, #{ours} here" }
    expect(table.keys - pairs.values.map(&:first)).to contain_exactly('Aws::Errors::InvalidRegionError', 'Aws::STS::Errors::ServiceError')
  end
end
