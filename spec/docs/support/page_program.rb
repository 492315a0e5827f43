# frozen_string_literal: true

require 'json'
require 'docs/support/stand_in'

# Runs the Ruby blocks of one page in turn, as a reader would type them into one irb. To be run in a process of its own.
#
#   PageProgram.new(JSON.parse(text)).run   # text: { page, before, blocks: [{ line, text, stand_ins, after }] }
class PageProgram
  # What a comment says of the value beside it: `…` is anything, and a time is any time.
  RESULT = /^(?<code>\s*\S[^#\n]*?)\s+# (?<word>=>|raises) (?<said>.+)$/
  TIME = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/
  private_constant :RESULT, :TIME

  class << self
    # Called by what a comment with a result is rewritten to.
    def compare(value, said)
      shown = value.inspect.gsub(/:(\w+)=>/, '\1: ') # as Ruby 3.4 prints a Hash
      pattern = said.split(/(…|#{TIME})/).map { |part| { '…' => '.*' }.fetch(part) { part.match?(TIME) ? TIME.source : Regexp.escape(part) } }
      raise "is #{shown}, and the page says #{said}" unless /\A#{pattern.join}\z/m.match?(shown)

      value
    end

    # Called by what a comment with an error is rewritten to.
    def expect_error(name)
      yield
    rescue Exception => e # rubocop:disable Lint/RescueException -- any may be named
      e.class.name.split('::').last == name ? nil : raise
    else
      raise "raises nothing, and the page says #{name}"
    end
  end

  def initialize(given)
    @page = given.fetch('page')
    @before = given.fetch('before')
    @blocks = given.fetch('blocks')
  end

  # The blocks that failed, each with the error.
  def run
    evaluate(@before, 'what the page takes for granted', 1)
    @blocks.filter_map { |block| failure_of(block) }
  end

  private

  def failure_of(block)
    block.fetch('stand_ins').each { |name| StandIn.for(name) }
    TOPLEVEL_BINDING.local_variable_set(:value, evaluate(with_results(block.fetch('text')), @page, block.fetch('line') + 1))
    evaluate(block.fetch('after').to_s, "after #{@page}", block.fetch('line'))
    nil
  rescue Exception => e # rubocop:disable Lint/RescueException -- SyntaxError and NetworkForbiddenError too
    at = e.backtrace.to_a.find { |line| line.include?(@page) }
    "#{@page}:#{block.fetch('line')}: #{e.class}: #{e.message} (#{at})"
  end

  def evaluate(text, file, line) = TOPLEVEL_BINDING.eval(text, file, line)

  def with_results(text)
    text.gsub(RESULT) do
      code, word, said = Regexp.last_match.values_at(:code, :word, :said)
      word == '=>' ? "::PageProgram.compare((#{code}), #{said.dump})" : "::PageProgram.expect_error(#{said.dump}) { #{code} }"
    end
  end
end
