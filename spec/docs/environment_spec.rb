# frozen_string_literal: true

require 'docs/support/pages'

# docs/environment.md against the code of the core: what is read is listed, and what is listed is read.
RSpec.describe 'docs/environment.md' do
  # The variables, as whole string literals; the beginning of several is none.
  let(:variables) do
    sources('').flat_map do |text|
      text.scan(/"((?:AWS|SSL|LEX)_[A-Z0-9_]*[A-Z0-9]|_X_AMZN_TRACE_ID|SMITHY_[A-Z_]+|HOME|PATH|(?:HTTPS?|ALL|NO)_PROXY|(?:https?|all|no)_proxy)"/).flatten
    end.uniq
  end
  # The keys, as arguments of the methods that read one.
  let(:keys) do
    sources('profile/').flat_map do |text|
      text.scan(/\b(?:optional|required|switch|count|section_name|uncut_name|has|value|setting)\(\s*"(\w+)"/).flatten
    end.uniq
  end

  # The product's files below a folder, without tests.
  def sources(folder)
    root  = "#{Pages::ROOT}/ext/aws_identity/src/"
    files = Dir["#{root}#{folder}**/*.rs"].grep_v(%r{/tests(/|\.rs)|_test\.rs|public_cases\.rs})
    files.map { |file| File.read(file, encoding: 'UTF-8').split(/^#\[cfg\(test\)\]/).first }
  end

  def listed(heading)
    Pages.first_column(Pages.read('docs/environment.md')[/^## #{heading}$.*?(?=^## )/m])
  end

  it 'lists every variable that is read, and no other' do
    expect(variables.size).to be > 35
    expect(listed('Variables')).to match_array(variables)
  end

  it 'lists every variable that is read before the source gem is compiled, and one that rb_sys reads' do
    text = File.read("#{Pages::ROOT}/ext/lex_identity_aws/preflight.rb")
    read = text.scan(/@env(?:\[|\.key\?\()'(\w+)'/).flatten
    read += text.scan(/%w\[([A-Z_ ]+)\]\.flat_map \{ \|name\| @env\[name\]/).flat_map { |(names)| names.split }
    expect(read.uniq.size).to be > 9
    expect(listed('When the source gem is compiled')).to match_array(read.uniq << 'RB_SYS_EXTRA_RUSTFLAGS')
  end

  it 'lists every key of a profile that is read, and no other' do
    expect(keys.size).to be > 25
    expect(listed('Keys of a profile')).to match_array(keys)
  end
end
