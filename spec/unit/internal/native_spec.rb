# frozen_string_literal: true

require 'unit/support/gem_copy'

RSpec.describe 'the loading of the native library' do
  let(:copy) { GemCopy.new }

  after { copy.remove }

  # Requires the copy; what is raised comes back as "Class: message".
  def load_copy(before = '')
    code = copy.code("#{before}\nbegin\n  require ENTRY\n  puts 'loaded'\nrescue LoadError => e\n  puts \"\#{e.class}: \#{e.message}\"\nend")
    ruby_process(code, env: copy.env)
  end

  def message(...) = load_copy(...).stdout

  it 'finds one beside the Ruby files' do
    copy.library
    result = load_copy
    expect(result).to have_attributes(stdout: "loaded\n", stderr: '')
  end

  it 'prefers the one that was built for this Ruby' do
    copy.library('raise "the wrong one"')
    copy.library(folder: RUBY_VERSION[/\d+\.\d+/])
    expect(message).to eq("loaded\n")
  end

  it 'finds one that only the load path knows' do
    copy.write("elsewhere/#{GemCopy::FOLDER}/lex_identity_aws.rb", GemCopy::GOOD)
    expect(message("$LOAD_PATH << #{File.join(copy.root, 'elsewhere').inspect}")).to eq("loaded\n")
  end

  it 'says how to build one where there is none' do
    expect(message).to start_with('LoadError: The native library of lex-identity-aws')
      .and include("was not found for Ruby #{RUBY_VERSION}", 'rake compile', 'gem pristine')
  end

  it 'says what is wrong with one that cannot be loaded' do
    copy.write("#{GemCopy::FOLDER}/#{GemCopy::LIBRARY}", 'no library at all, but long enough for a header' * 20)
    expect(message).to match(/\ALoadError: .*cannot be loaded.*invalid ELF header.*made for another machine/m)
  end

  it 'puts the first cause into the message, not that of a later place' do
    copy.library('raise LoadError, "/lib/libm.so.6: version `GLIBC_2.99\' not found"', folder: RUBY_VERSION[/\d+\.\d+/])
    copy.library('raise "second"')
    expect(message).to match(/GLIBC_2.99.*older than the precompiled gem needs.*--platform ruby/).and(satisfy { |text| !text.include?('second') })
  end

  {
    'RuntimeError'        => 'raise "init failed"',
    'NotImplementedError' => 'raise NotImplementedError, "init failed"',
    'NoMemoryError'       => 'raise NoMemoryError, "init failed"',
    'SystemStackError'    => 'raise SystemStackError, "init failed"',
    'SyntaxError'         => 'def init failed =',
    'Exception'           => 'raise Exception, "init failed"'
  }.each do |raised, library|
    it "turns #{raised} into a LoadError" do
      copy.library(library)
      expect(message).to match(/\ALoadError: .*cannot be loaded.*#{raised}: /m)
    end
  end

  it 'lets a signal and an exit through' do
    copy.library('raise Interrupt')
    expect(load_copy.status.termsig).to eq(Signal.list['INT'])
    copy.library('raise SignalException, "TERM"')
    expect(load_copy.status.termsig).to eq(Signal.list['TERM'])
    copy.library('exit 7')
    expect(load_copy.status.exitstatus).to eq(7)
  end

  it 'refuses one of another release' do
    copy.library(GemCopy::GOOD.sub('Legion::Extensions::Identity::Aws::VERSION', '"0.0.9"'))
    expect(message).to match(/\ALoadError: .*is of version 0\.0\.9, and the Ruby files around it are of version/)
  end

  it 'can be tried again' do
    before = <<~RUBY
      begin
        require ENTRY
      rescue LoadError
        File.write(ENTRY.sub('.rb', '/lex_identity_aws.rb'), #{GemCopy::GOOD.inspect})
      end
    RUBY
    expect(message(before)).to eq("loaded\n")
  end

  it 'turns what goes wrong in a Ruby file into a LoadError too' do
    copy.library
    copy.write("#{GemCopy::FOLDER}/legionio/lease.rb", 'module Legion; Nowhere; end')
    expect(message).to match(/\ALoadError: lex-identity-aws cannot be loaded: NameError: .*Nowhere/)
  end

  it 'does the same for what LegionIO’s Core does to an extension, and can be tried again after that' do
    copy.library
    core = <<~RUBY
      module Legion; module Extensions; module Core
        def self.extended(_) = ($tried = $tried.to_i + 1) == 1 && raise(NotImplementedError, 'no Core')
      end; end; end
    RUBY
    expect(message(core)).to match(/\ALoadError: lex-identity-aws cannot be loaded: NotImplementedError: no Core/)
    expect(message("#{core}\nbegin\n  require ENTRY\nrescue LoadError\n  nil\nend\nat_exit { p Legion::Extensions::Identity::Aws.autobuild }"))
      .to eq("loaded\nnil\n")
  end

  it 'refuses a truncated library, of which the system’s loader would die' do
    whole = $LOADED_FEATURES.find { |path| path.end_with?("/#{GemCopy::LIBRARY}") }
    skip 'only ELF files are looked into' unless File.binread(whole, 4) == "\x7FELF".b
    [100, 4096, File.size(whole) / 2, File.size(whole) - 1].each do |size|
      copy = GemCopy.new
      copy.write(File.join(GemCopy::FOLDER, GemCopy::LIBRARY), File.binread(whole, size))
      result = ruby_process(copy.code("begin\n  require ENTRY\nrescue LoadError => e\n  puts e.message\nend"), env: copy.env)
      expect(result.stdout).to include('file too short', 'Install the gem again')
    ensure
      copy&.remove
    end
  end
end
