# frozen_string_literal: true

require 'docs/support/blocks'

# The command lines that the pages show: lines of a shell that are indented or in a block, and inline code that begins with the program's name.
# `[…]` may be left out, and a word in capitals stands for others.
module CommandLines
  Line = Struct.new(:place, :text, keyword_init: true) do
    # The program runs by itself, and its output is the line's.
    def plain? = text.match?(/\Alex-identity-aws [^|>$"'(]*\z/)
    def words = text.split.drop(1)
  end

  # What the words in capitals stand for.
  STANDS_FOR = { 'FORMAT' => %w[env fish powershell env-no-export ini process json], 'PROGRAM [WORD...]' => ['true'], 'COMMAND' => ['whoami'] }.freeze
  # Values for options of `token`, whose kinds are in a table.
  VALUES = { '--audience' => 'https://vault.example', '--tag' => 'team=data', '--duration-seconds' => '900', '--signing-algorithm' => 'ES384',
             '--cluster' => 'prod', '--host' => 'db.example', '--port' => '5432', '--user' => 'app', '--name' => 'cache' }.freeze
  private_constant :STANDS_FOR, :VALUES

  class << self
    def all = (shell + inline).flat_map { |line| variants(line) }.uniq(&:text)

    # `token KIND`, for each row of the table of kinds.
    def tokens(text = Pages.read('docs/cli.md'))
      rows = text[/^\| kind \| options \|\n.*?\n\n/m].scan(/^\| `(\w+)` \|(.*)\|$/)
      rows.map do |kind, options|
        words = options.scan(/`(--[a-z-]+)/).flatten.flat_map { |flag| [flag, *VALUES[flag]] }
        Line.new(place: 'docs/cli.md, tokens', text: ['lex-identity-aws token', kind, *words].join(' '))
      end
    end

    private

    def shell
      in_blocks = Blocks.run('sh').flat_map { |block| block.text.lines.map { |line| Pages::Piece.new(block.place, line) } }
      [*Pages.indented, *in_blocks].select { |piece| piece.text.include?('lex-identity-aws') }
    end

    def inline = Pages.words.select { |piece| piece.text.start_with?('lex-identity-aws ') }

    def variants(piece)
      lines = [piece.text.sub(/\s+# .*/, '').strip]
      STANDS_FOR.each { |word, others| lines = lines.flat_map { |line| line.include?(word) ? others.map { |other| line.sub(word, other) } : line } }
      lines = lines.flat_map { |line| line.match?(/ \[.*?\]/) ? [line.gsub(/ \[.*?\]/, ''), line.gsub(/\[(.*?)\]/, '\1')] : line }
      lines = lines.grep_v(/ KIND\b/) # see `tokens`
      lines.map { |line| Line.new(place: piece.place, text: line.sub(/ \| source\z/, '')) } # `source` is of a shell that may not be here
    end
  end
end
