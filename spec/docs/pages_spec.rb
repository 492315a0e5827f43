# frozen_string_literal: true

require 'json'
require 'docs/support/pages'
require 'docs/support/receivers'

RSpec.describe 'README and docs/' do
  aws = Legion::Extensions::Identity::Aws

  it 'links to files that are there' do
    lost = Pages::FILES.flat_map do |file|
      File.read(file).scan(/\]\((?!https?:)([^)#]+)/).flatten.reject { |path| File.exist?(File.expand_path(path, File.dirname(file))) }
          .map { |path| "#{file}: #{path}" }
    end
    expect(lost).to be_empty
  end

  it 'leads from the README to every page' do
    pages = Dir["#{Pages::ROOT}/docs/**/*.md"].map { |file| file.delete_prefix("#{Pages::ROOT}/") }
    expect(pages - Pages.read('README.md').scan(/\]\(([^)#]+)/).flatten).to be_empty
  end

  it 'shows Ruby that Ruby can read' do
    expect(Pages.blocks('ruby').size).to be > 5
    Pages.blocks('ruby').each { |piece| RubyVM::InstructionSequence.compile(piece.text, piece.place) }
  end

  # Part of an object may be shown too.
  it 'shows JSON that is JSON' do
    expect(Pages.blocks('json').size).to be > 5
    Pages.blocks('json').each do |piece|
      JSON.parse(piece.text.start_with?('{') ? piece.text : "{#{piece.text}}")
    rescue JSON::ParserError => e
      raise "#{piece.place}: #{e.message}"
    end
  end

  it 'names classes that exist' do
    names = Pages.code.flat_map { |piece| piece.text.scan(/(?:AwsIdentity|Legion::Extensions::Identity::Aws)::((?:[A-Z]\w*::)*[A-Z]\w*)/).map { |(name)| [piece.place, name] } }
    expect(names.size).to be > 5
    expect(names.reject { |_, name| aws.const_defined?(name, false) }).to be_empty
  end

  it 'calls methods that exist' do
    calls = Pages.code.flat_map { |piece| calls_in(piece.text).map { |of, name| [piece.place, of, name] } }
    expect(calls.size).to be > 20
    expect(calls.reject { |_, of, name| of.public_method_defined?(name) }).to be_empty
  end

  # As pairs of class (of a module's functions: its singleton class) and name.
  def calls_in(code)
    code.gsub(/\.(\w+) = /, '.\1= ').scan(/(?<![\w@.:])((?:[A-Z]\w*::)*\w+)\.(\w+[?!=]?)(?:\.(\w+[?!]?))?/).flat_map do |receiver, name, next_name|
      of = Receivers.type(receiver)
      next [] if of.nil? || name == 'aws' # `profile.aws` is a path in settings

      answer = Receivers.answer(of, name)
      [[of, name], *([[answer, next_name]] if answer && next_name)]
    end
  end
end
