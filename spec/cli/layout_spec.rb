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

  it 'puts a long word where it fits, and what follows it too' do
    rows = "arn             #{arn}\nprofile  a     failed: #{arn} may not be assumed by anybody"
    expect(fitted(rows, columns: 96, NO_COLOR: '1'))
      .to eq("arn\n      #{arn}\nprofile  a     failed:\n      #{arn}\n      may not be assumed by anybody")
    expect(fitted("arn  #{arn}", columns: arn.length + 2, NO_COLOR: '1')).to eq("arn\n  #{arn}")
  end

  it 'leaves a word that no line can hold to the terminal, and indents the rest of its row all the same' do
    row = "profile  a     failed: #{arn * 2} may not be assumed"
    expect(fitted(row, columns: 96, NO_COLOR: '1')).to eq("profile  a     failed:\n      #{arn * 2}\n      may not be assumed")
  end

  it 'lines up the cells of a table, of wide characters too, whatever one cell has' do
    rows = [%w[PROFILE KIND], %w[本番環境 sso], %W[e\u0301 sso], ['a' * 31, 'sso']]
    PTY.open do |_, terminal|
      terminal.winsize = [24, 90]
      expect(described_class.new(terminal, {}).table(rows)).to eq(['PROFILE   KIND', '本番環境  sso', "e\u0301         sso", "#{'a' * 31}  sso"])
    end
    expect(described_class.new(StringIO.new, {}).table(rows).map { |line| line.index(/(?:KIND|sso)\z/) }).to eq([33, 29, 34, 33])
  end

  it 'counts the columns of wide characters, not their number' do
    row = "本番環境  assume role  #{'many words of it ' * 4}"
    expect(fitted(row, columns: 60, NO_COLOR: '1').lines[1]).to match(/\A {23}\S/)
    expect(fitted('本番環境 ' * 6, columns: 40).lines.map(&:rstrip)).to eq(["#{'本番環境 ' * 3}本番環境", '本番環境 本番環境'])
  end

  it 'colours failures, the profile in force and the headings of a table and of help' do
    shown = fitted("   PROFILE  KIND\n*  a        sso\n   b        cannot work: why\nrole  c  failed: why\nExit status\nWhich failed: why",
                   columns: 80, TERM: 'xterm')
    expect(shown).to eq("   \e[1mPROFILE  KIND\e[0m\n\e[1;32m*\e[0m  a        sso\n   b        \e[31mcannot work\e[0m: why\n" \
                        "role  c  \e[31mfailed\e[0m: why\n\e[1mExit status\e[0m\nWhich failed: why")
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

  it 'fits the help too' do
    PTY.open do |shown, terminal|
      terminal.winsize = [24, 60]
      Legion::Extensions::Identity::Aws::Cli.run(%w[help profiles], stdout: terminal)
      lines = shown.readpartial(65_536).gsub(/\e\[[\d;]*m/, '').split("\r\n")
      expect(lines).to include('Options', /--profile NAME/)
      expect(lines.map(&:length).max).to be <= 60
    end
  end

  it 'leaves the folding to a terminal that tells no width' do
    text = 'word ' * 40
    expect(fitted(text.strip, columns: 0)).to eq(text.strip)
  end
end
