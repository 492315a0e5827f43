# frozen_string_literal: true

# The layers of CONTRIBUTING.md, held against the code: a folder uses those below it only, no file is too long to read, and nothing goes
# round in a circle.

ROOT = File.expand_path('..', __dir__)

# What each file of one half of the code uses, and how long it is.
class Layout
  # A file, without its tests.
  Part = Struct.new(:name, :uses, :lines)

  # @return [Array<Part>]
  attr_reader :parts

  def initialize(parts) = @parts = parts

  # The folder or the file at the top that a path belongs to.
  def self.room(path) = path.split('/').first.delete_suffix('.rs').delete_suffix('.rb')

  # @return [Array<String>] uses of one room by another that stands on the same level or below it
  def upward(levels)
    level = levels.each_with_index.flat_map { |rooms, index| rooms.map { |room| [room, index] } }.to_h
    parts.flat_map do |part|
      from = self.class.room(part.name)
      part.uses.map { |use| self.class.room(use) }.uniq.filter_map do |to|
        "#{part.name} uses #{to}" if to != from && level.fetch(to) >= level.fetch(from)
      end
    end
  end

  # @return [Array<String>] the files of one circle, empty where there is none
  def circle
    graph = parts.to_h { |part| [part.name, part.uses] }
    done = {}
    graph.each_key { |file| (found = search(file, graph, done, [])) && (return found) }
    []
  end

  private

  def search(file, graph, done, path)
    return path.drop(path.index(file)) + [file] if path.include?(file)
    return if done[file]

    found = graph.fetch(file, []).filter_map { |use| search(use, graph, done, path + [file]) }.first
    done[file] = true
    found
  end
end

# Reads `use` and paths of Rust; what stands behind `#[cfg(test)]` is left out.
module RustLayout
  def self.read(crate)
    source = "#{ROOT}/ext/#{crate}/src"
    files = Dir.glob('**/*.rs', base: source).reject { |file| file == 'lib.rs' || file.match?(%r{(\A|/)tests?(/|\.rs)|_test\.rs|public_cases}) }
    Layout.new(files.map { |file| part(source, file, files) })
  end

  def self.part(source, file, files)
    text = File.read("#{source}/#{file}").split(/^#\[cfg\(test\)\]\n(?:#.*\n)*mod tests \{/).first
    code = text.gsub(%r{//.*$}, '')
    found = paths(absolute(code, file)).filter_map { |path| file_of(path, files) }
    Layout::Part.new(file, found.uniq - [file], text.lines.size)
  end

  # `super::` and the uses of a module's own children, as paths from the crate's root. What is passed on with `pub use` is no use.
  def self.absolute(code, file)
    own    = file.delete_suffix('.rs').gsub('/', '::')
    parent = own.rpartition('::').first
    children = code.scan(/^(?:pub(?:\([^)]*\))? )?mod (\w+);/).flatten
    code = code.gsub(/^pub(?:\([^)]*\))? use .*?;/m, '').gsub(/\bsuper::/, parent.empty? ? 'crate::' : "crate::#{parent}::")
    children.empty? ? code : code.gsub(/(?<![\w:])(#{children.join('|')})::/) { "crate::#{own}::#{Regexp.last_match(1)}::" }
  end

  # Every path below crate, braces written out.
  def self.paths(code)
    code.scan(/\bcrate::((?:\w+::)*)(\w+|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})/m).flat_map { |prefix, last| spread(prefix, last) }
  end

  def self.spread(prefix, last)
    return ["#{prefix}#{last}"] unless last.start_with?('{')

    last[1..-2].scan(/(?:\w+::)*(?:\w+|\{(?:[^{}]|\{[^{}]*\})*\})/m).flat_map do |item|
      inner = item.match(/\A((?:\w+::)*)(.*)\z/m)
      spread("#{prefix}#{inner[1]}", inner[2])
    end
  end

  # The file a path leads to: of its module, else of the module's own file.
  def self.file_of(path, files)
    steps = path.split('::')
    steps.size.downto(1) do |count|
      name = "#{steps.take(count).join('/')}.rs"
      return name if files.include?(name)
    end
    nil
  end
end

# Reads `require_relative` of Ruby.
module RubyLayout
  SOURCE = "#{ROOT}/lib/legion/extensions/identity/aws".freeze

  def self.read
    files = Dir.glob('**/*.rb', base: SOURCE)
    Layout.new(files.map { |file| part(file, files) })
  end

  def self.part(file, files)
    text = File.read("#{SOURCE}/#{file}")
    uses = text.scan(/require_relative '([^']+)'/).flatten.map { |path| "#{File.expand_path(path, File.dirname("/#{file}"))}.rb".delete_prefix('/') }
    Layout::Part.new(file, uses & files, text.lines.size)
  end
end

RSpec.describe 'The layers' do
  # From the bottom up.
  core = [%w[util], %w[attempt], %w[failure], %w[credentials], %w[environment principal region], %w[identity layer], %w[task], %w[http], %w[sts], %w[config],
          %w[profile], %w[cache], %w[providers], %w[refresh], %w[fetch tokens], %w[session doctor]]
  native = [%w[outside reply spawn], %w[error fork], %w[secrets wait], %w[convert], %w[session examination]]
  ruby = [%w[version errors change_event profile_summary caller_identity], %w[internal], %w[credentials token functions terminal_token_provider],
          %w[session], %w[legionio], %w[doctor testing], %w[cli]]

  { 'the core'    => [RustLayout.read('aws_identity'), core],
    'the binding' => [RustLayout.read('lex_identity_aws'), native],
    'lib'         => [RubyLayout.read, ruby] }.each do |name, (layout, levels)|
    describe "of #{name}" do
      it('has no folder that uses one above it') { expect(layout.upward(levels)).to eq([]) }
      it('has no circle of files') { expect(layout.circle).to eq([]) }
      it('has no file of more than 450 lines') { expect(layout.parts.select { |part| part.lines > 450 }.map { |part| [part.name, part.lines] }).to eq([]) }
    end
  end
end
