# frozen_string_literal: true

require 'json'
require 'docs/support/pages'

RSpec.describe 'README and docs/' do
  it 'link to existing files' do
    lost = Pages::FILES.flat_map do |file|
      File.read(file, encoding: 'UTF-8').scan(/\]\((?!https?:)([^)#]+)/).flatten.reject { |path| File.exist?(File.expand_path(path, File.dirname(file))) }
          .map { |path| "#{file}: #{path}" }
    end
    expect(lost).to be_empty
  end

  # As GitHub names a heading.
  it 'link to existing headings' do
    anchors = Hash.new do |known, file|
      text = File.read(file, encoding: 'UTF-8').gsub(/^```.*?^```/m, '')
      known[file] = text.scan(/^#+ (.*)$/).flatten.map { |heading| heading.downcase.gsub(/[^\p{L}\p{N} _-]/, '').tr(' ', '-') }
    end
    links = Pages::FILES.flat_map { |file| File.read(file, encoding: 'UTF-8').scan(/\]\((?!https?:)([^)#]*)#([^)]+)\)/).map { |path, anchor| [file, path, anchor] } }
    expect(links.size).to be > 20
    lost = links.reject { |file, path, anchor| anchors[path.empty? ? file : File.expand_path(path, File.dirname(file))].include?(anchor) }
    expect(lost).to be_empty
  end

  it 'are all linked from the README' do
    pages = Dir["#{Pages::ROOT}/docs/**/*.md"].map { |file| file.delete_prefix("#{Pages::ROOT}/") }
    expect(pages - Pages.read('README.md').scan(/\]\(([^)#]+)/).flatten).to be_empty
  end

  # For those who move over from aws-sdk-ruby. InternalError and NotReadyError have no counterpart.
  it 'have every class of error beside those of aws-sdk-ruby' do
    aws = Legion::Extensions::Identity::Aws
    ours = aws.constants.grep(/Error\z/).map(&:to_s) - %w[Error InternalError NotReadyError]
    expect(Pages.read('docs/migrating.md')[/^### Errors$.*/m].scan(/`(\w+Error)`/).flatten.uniq).to match_array(ours)
  end

  it 'name existing classes and methods' do
    result = ruby_process("$LOAD_PATH << #{File.expand_path('..', __dir__).inspect}\nrequire 'docs/support/mentions'\nputs Mentions.report")
    expect(result.stderr).to be_empty
    expect(JSON.parse(result.stdout, symbolize_names: true)).to match(names: be > 5, calls: be > 20, lost: [])
  end
end
