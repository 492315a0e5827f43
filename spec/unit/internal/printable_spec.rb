# frozen_string_literal: true

RSpec.describe Legion::Extensions::Identity::Aws::Internal::Printable do
  hidden = ["\0", "\e", "\a", "\r", "\t", "\u007f", "\u0085", "\u009b", "\u00ad", "\u200b", "\u200d", "\u2060", "\ufe0f", "\ufeff", "\ufff9", "\u{e0041}",
            "\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202e", "\u2066", "\u2069"]

  it 'escapes what a terminal obeys and what moves text about' do
    hidden.each do |char|
      expect(described_class.line("a#{char}b")).to match(/\Aa(\\u\h{4})+b\z/), char.inspect
      expect(JSON.parse(described_class.lines("[\"#{char}\"]"))).to eq([char])
    end
    expect(described_class.line("one\ntwo")).to eq('one\ntwo')
    expect(described_class.lines("one\ntwo\e")).to eq("one\ntwo\\u001b")
  end

  it 'leaves the rest, and takes any bytes' do
    text = 'Zugriff verweigert: früh, arn:aws:iam::123456789012:user/demo'
    expect(described_class.line(text)).to eq(text)
    expect(described_class.line("\xff\e".b)).to eq("\u{fffd}\\u001b")
    expect(described_class.line("fr\xfch".dup.force_encoding('ISO-8859-1'))).to eq('früh')
    expect(described_class.line("\xff")).to eq("\u{fffd}")
    expect(described_class.line(nil)).to eq('')
  end
end
