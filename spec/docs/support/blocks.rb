# frozen_string_literal: true

require 'docs/support/pages'

# The fenced blocks of README.md and docs/, each with the mark that stands right before it. A mark is a comment of HTML, which no reader of the
# rendered page sees:
#
#   <!-- not run: REASON -->          it is not run
#   <!-- stand-ins: PG, Mysql2 -->    it is run with a stand-in for each of these libraries
#   <!-- run in LegionIO -->          it is run where LegionIO is
module Blocks
  Block = Struct.new(:page, :line, :language, :mark, :text, keyword_init: true) do
    def place = "#{page}:#{line}"
    # Nil where it is to be run.
    def not_run = mark&.delete_prefix('not run')
    def stand_ins = mark.to_s[/\Astand-ins: (.*)/, 1].to_s.split(', ')
    def in_legionio? = mark == 'run in LegionIO'
  end

  # Kinds of marks. A reason is a sentence, not a word.
  MARKS = [/\Anot run: \S+ \S+.*\z/, /\Astand-ins: [A-Z]\w*(::[A-Z]\w*)*(, [A-Z]\w*(::[A-Z]\w*)*)*\z/, /\Arun in LegionIO\z/].freeze
  # An indented fence, as in a list, too.
  FENCE = /(?:^ *<!-- (?<mark>(?:(?!-->).)*?) -->\n)?^(?<indent> *)```(?<language>[^\n]*)\n(?<text>.*?)^\k<indent>```$/m
  private_constant :FENCE

  class << self
    def all = @all ||= pages.flat_map { |page| of(page) }

    def pages = ['README.md', *Dir["#{Pages::ROOT}/docs/**/*.md"].map { |file| file.delete_prefix("#{Pages::ROOT}/") }.sort]

    def of(page, text = Pages.read(page))
      found = []
      text.scan(FENCE) do
        match = Regexp.last_match
        found << Block.new(page: page, line: text[0...match.begin(:text)].count("\n"), language: match[:language].strip, mark: match[:mark],
                           text: match[:text])
      end
      found
    end

    # Those of this language that are to be run.
    def run(language) = all.select { |block| block.language == language && !not_run?(block) }

    # What is wrong with the marks, and languages that nothing here runs.
    def problems(blocks, languages)
      blocks.filter_map do |block|
        if block.mark && MARKS.none? { |kind| kind.match?(block.mark) } then "#{block.place}: #{block.mark.inspect} is no mark with a reason"
        elsif !not_run?(block) && !languages.include?(block.language) then "#{block.place}: nothing runs #{block.language.inspect}, and no mark says why"
        end
      end
    end

    def not_run?(block) = block.mark.to_s.start_with?('not run')
  end
end
