# frozen_string_literal: true

require 'json'
require 'open3'

# The licences of all crates in the library, with their texts, which most licences require beside a binary.
class CrateLicenses
  ROOT = 'lex_identity_aws'
  FILES = /\A(?:licen[sc]e|copying|copyright|notice|unlicense)/i

  # @param target [String] as Rust calls it
  def initialize(target)
    metadata = JSON.parse(cargo('metadata', '--format-version', '1', '--locked', '--filter-platform', target))
    @packages = metadata['packages'].to_h { |package| [package['id'], package] }
    @nodes = metadata.dig('resolve', 'nodes').to_h { |node| [node['id'], node] }
    @rust = cargo('--version')[/[\d.]+/]
  end

  # @return [String] Markdown
  def to_s
    "# Licences of the crates in the native library of lex-identity-aws\n\n" \
      "The library was compiled by Rust #{@rust} and holds parts of its standard library (MIT OR Apache-2.0), and these #{crates.size} crates:\n\n" \
      "| crate | version | licence | text |\n| --- | --- | --- | --- |\n#{rows}\n#{texts.map { |text, number| chapter(text, number) }.join}"
  end

  # @return [Array<Hash>] as cargo describes them, by name
  def crates
    @crates ||= reached.map { |id| @packages.fetch(id) }.select { |package| package['source'] }.sort_by { |package| package.values_at('name', 'version') }
  end

  private

  # Linked crates; those that only build are not in the library.
  def reached
    queue = [@packages.values.find { |package| package['name'] == ROOT }.fetch('id')]
    seen = {}
    while (id = queue.shift)
      next if seen[id]

      seen[id] = true
      queue.concat(@nodes.fetch(id)['deps'].select { |dep| dep['dep_kinds'].any? { |kind| kind['kind'].nil? } }.map { |dep| dep['pkg'] })
    end
    seen.keys
  end

  def rows
    crates.map do |crate|
      numbers = texts_of(crate).map { |text| "[#{texts.fetch(text)}](#text-#{texts.fetch(text)})" }
      "| [#{crate['name']}](#{crate['repository'] || "https://crates.io/crates/#{crate['name']}"}) | #{crate['version']} " \
        "| #{crate['license'] || 'see its text'} | #{numbers.empty? ? 'none in the crate' : numbers.join(', ')} |\n"
    end.join
  end

  # Each distinct text => its number.
  def texts = @texts ||= crates.flat_map { |crate| texts_of(crate) }.uniq.each.with_index(1).to_h

  def texts_of(crate)
    folder = File.dirname(crate['manifest_path'])
    Dir.children(folder).grep(FILES).map { |name| File.join(folder, name) }.select { |file| File.file?(file) }.sort
       .map { |file| File.read(file, encoding: 'UTF-8').scrub.gsub("\r\n", "\n").gsub(/[ \t]+$/, '').strip }.reject(&:empty?).uniq
  end

  def chapter(text, number) = "\n## Text #{number}\n\n#{text.gsub(/^/, '    ')}\n"

  def cargo(*arguments)
    out, status = Open3.capture2('cargo', *arguments)
    raise "cargo #{arguments.first} failed" unless status.success?

    out.force_encoding(Encoding::UTF_8) # independently of the locale
  end
end
