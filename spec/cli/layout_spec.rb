# frozen_string_literal: true

require 'io/console'
require 'pty'
require 'stringio'
require 'legion/extensions/identity/aws/cli'

RSpec.describe Legion::Extensions::Identity::Aws::Cli::Layout do
  arn = 'arn:aws:sts::123456789012:assumed-role/a-role-with-a-long-name/a-session-with-a-long-name'

  # What it makes of a text on a terminal of this width.
  def fitted(text, columns:, **environment)
    PTY.open do |_, terminal|
      terminal.winsize = [24, columns]
      described_class.new(terminal, environment.transform_keys(&:to_s)).fit(text)
    end
  end

  it 'leaves text alone in a pipe' do
    long = "  FAIL  identity  #{'word ' * 40}"
    expect(described_class.new(StringIO.new, {}).fit(long)).to eq(long)
    IO.pipe { |_, writer| expect(described_class.new(writer, {}).fit(['library', long])).to eq("library\n#{long}") }
  end

  it 'folds between words, under the last column, and loses none' do
    text = "  ok    environment  #{'several words of a remark ' * 6}\n1. #{'what to do next ' * 8}\nshort"
    [40, 80, 120].each do |columns|
      lines = fitted(text, columns: columns, NO_COLOR: '1').lines.map(&:chomp)
      expect(lines.map(&:length).max).to be <= columns
      expect(lines.join(' ').split).to eq(text.split)
    end
    lines = fitted(text, columns: 80, NO_COLOR: '1').lines
    expect(lines[1]).to match(/\A {21}\S/)
    expect(lines.find { |line| line.start_with?('1. ') }).not_to be_nil
    expect(lines[-2]).to match(/\A   \S/)
  end

  it 'never breaks an ARN' do
    expect(fitted("arn  #{arn}\n  FAIL  role  #{arn} may not be assumed", columns: 60, NO_COLOR: '1').scan(arn).size).to eq(2)
  end

  it 'colours marks and headings, unless NO_COLOR or a dumb terminal says otherwise' do
    report = "library\n  ok    a  fine\n  FAIL  b  broken\n  warn  c  odd\n  -     d  skipped\n\nWhat to do\n1. library: mend it"
    shown = fitted(report, columns: 80, TERM: 'xterm')
    expect(shown).to include("\e[1mlibrary\e[0m\n", "  \e[32mok\e[0m    a", "  \e[1;31mFAIL\e[0m  b", "  \e[33mwarn\e[0m  c", '  -     d',
                             "\e[1mWhat to do\e[0m")
    expect(shown.gsub(/\e\[[\d;]*m/, '')).to eq(report)
    expect([fitted(report, columns: 80, NO_COLOR: '1'), fitted(report, columns: 80, TERM: 'dumb')]).to all(eq(report))
    expect(fitted(report, columns: 80, NO_COLOR: '')).to include("\e[")
  end

  it 'leaves the folding to a terminal that tells no width' do
    text = 'word ' * 40
    expect(fitted(text.strip, columns: 0)).to eq(text.strip)
  end
end
