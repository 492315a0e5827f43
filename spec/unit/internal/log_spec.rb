# frozen_string_literal: true

require 'logger'
require 'stringio'

RSpec.describe Legion::Extensions::Identity::Aws::Internal::Log do
  aws = Legion::Extensions::Identity::Aws

  let(:text) { StringIO.new }

  after { aws.logger = nil }

  def lines_of_legion
    lines = []
    helper = Module.new
    tagged = Object.new
    described_class::LEVELS.each { |level| tagged.define_singleton_method(level) { |message| lines << [level, message] } }
    helper.define_method(:log) { tagged }
    stub_const('Legion::Logging::Helper', helper)
    lines
  end

  it 'writes to the logger it was given, before all others' do
    aws.logger = Logger.new(other = StringIO.new)
    lines_of_legion
    described_class.new(Logger.new(text)).warn('so and so')
    expect(text.string).to match(/WARN.*lex-identity-aws: so and so/)
    expect(other.string).to be_empty
  end

  it 'writes to the logger of the module, also one that came later' do
    log = described_class.new
    aws.logger = Logger.new(text)
    described_class::LEVELS.each { |level| log.public_send(level, "at #{level}") }
    expect(text.string.lines.size).to eq(4)
  end

  it 'writes one line that a terminal can show, whatever a listener or LegionIO said' do
    lines = lines_of_legion
    described_class.new.warn("said \e[2J\nFAKE LINE \u202e")
    described_class.new(Logger.new(text)).error("said \a\nFAKE LINE")
    expect(lines).to eq([[:warn, 'said \u001b[2J\nFAKE LINE \u202e']])
    expect(text.string).to end_with("said \\u0007\\nFAKE LINE\n")
  end

  it "writes to LegionIO's logging where it is loaded" do
    lines = lines_of_legion
    described_class.new.info('here')
    expect(lines).to eq([[:info, 'here']])
  end

  it "speaks to LegionIO under the extension's name" do
    expect(described_class::Speaker.to_s).to eq('Legion::Extensions::Identity::Aws')
  end

  it 'prints nothing where there is no logger' do
    expect { described_class.new.error('unlogged') }.to output('').to_stdout_from_any_process.and output('').to_stderr_from_any_process
  end

  [ClosedQueueError, ThreadError, IOError, NotImplementedError].each do |raised|
    it "survives a logger that raises #{raised}" do
      broken = Object.new
      described_class::LEVELS.each { |level| broken.define_singleton_method(level) { |_| raise raised, 'closed' } }
      expect(described_class.new(broken).warn('x')).to be_nil
    end
  end

  it 'lets an interrupt through' do
    broken = Logger.new(text)
    broken.define_singleton_method(:warn) { |_| raise Interrupt }
    expect { described_class.new(broken).warn('x') }.to raise_error(Interrupt)
  end

  it 'refuses what is no logger, and takes none' do
    expect { aws.logger = :stderr }.to raise_error(ArgumentError, /logger is of class Symbol.*Give a Logger, or nil/)
    expect(aws.logger = nil).to be_nil
  end
end
