# frozen_string_literal: true

require 'unit/support/scripted_native'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::CurrentSession do
  aws = Legion::Extensions::Identity::Aws

  subject(:current_session) { described_class.new }

  before { allow(aws::Internal::Native::Session).to receive(:new) { ScriptedNative.new } }

  it 'keeps one session while the settings stay' do
    expect(current_session.held).to be_nil
    first = current_session.current
    expect([current_session.current, current_session.current(max_age: 1), current_session.held]).to all(equal(first))
  end

  it 'makes another one when they changed' do
    first = current_session.current
    with_env('AWS_PROFILE' => 'other') { expect(current_session.current).not_to equal(first) }
    expect(aws::Internal::Native::Session).to have_received(:new).twice
  end

  it 'does not look at them again before max_age' do
    first = current_session.current
    with_env('AWS_PROFILE' => 'other') do
      expect(current_session.current(max_age: 3600)).to equal(first)
      expect(current_session.current(max_age: 0.0)).not_to equal(first)
    end
  end

  it 'has nothing in force while the new settings cannot be used' do
    current_session.current
    allow(aws::Internal::Native::Session).to receive(:new).and_raise(aws::ConfigurationError, 'no profile other')
    with_env('AWS_PROFILE' => 'other') do
      2.times { expect { current_session.current(max_age: 3600 * 0) }.to raise_error(aws::ConfigurationError) }
      expect { current_session.current(max_age: 3600) }.to raise_error(aws::ConfigurationError)
      expect(current_session.held).to be_nil
    end
  end

  it 'has no session in force while its settings cannot be read' do
    given = aws::Internal::Secret.new({ role_arn: 'arn:x' })
    current_session = described_class.new { given || raise(aws::ConfigurationError, 'it is no longer there') }
    current_session.current
    given = nil
    expect { current_session.current }.to raise_error(aws::ConfigurationError)
    expect { current_session.current(max_age: 3600) }.to raise_error(aws::ConfigurationError)
    expect(current_session.held).to be_nil
  end

  it 'makes one session for all threads that ask at once' do
    allow(aws::Internal::Native::Session).to receive(:new) do
      sleep 0.05
      ScriptedNative.new
    end
    sessions = Array.new(20) { Thread.new { current_session.current } }.map(&:value)
    expect(sessions.uniq(&:object_id).size).to eq(1)
  end

  it 'asks again when the settings changed while it waited for AWS' do
    asked = []
    result = current_session.read do |session|
      asked << session
      ENV['AWS_PROFILE'] = 'other' if asked.size == 1
      sleep 0.06
      session
    end
    expect(asked.size).to eq(2)
    expect(result).to equal(asked.last)
  ensure
    ENV.delete('AWS_PROFILE')
  end

  it 'compares the settings once for a read that does not wait' do
    allow(aws::Internal::Layers).to receive(:environment).and_call_original
    allow(aws::Internal::Monotonic).to receive(:now).and_return(1000.0)
    expect(current_session.read { |session| session }).to equal(current_session.held)
    expect(aws::Internal::Layers).to have_received(:environment).once
  end

  it 'yields where they were compared, also where they cannot be used' do
    told = 0
    allow(aws::Internal::Monotonic).to receive(:now).and_return(1000.0)
    2.times { current_session.current(max_age: 1) { told += 1 } }
    expect(told).to eq(1)
    allow(aws::Internal::Native::Session).to receive(:new).and_raise(aws::ConfigurationError, 'no profile other')
    with_env('AWS_PROFILE' => 'other') { expect { current_session.current { told += 1 } }.to raise_error(aws::ConfigurationError) }
    expect(told).to eq(2)
  end

  it 'says once what is odd about the settings, also when they change, and holds no lock meanwhile' do
    said = []
    logger = Object.new
    aws::Internal::Log::LEVELS.each { |level| logger.define_singleton_method(level) { |line| said << line } }
    asked = current_session
    logger.define_singleton_method(:warn) do |line|
      said << line
      asked.current
    end
    allow(aws::Internal::Native::Session).to receive(:new) { ScriptedNative.new(warnings: ['identity.aws.regoin does not exist']) }
    aws.logger = logger
    current_session.current
    with_env('AWS_PROFILE' => 'other') { current_session.current }
    expect(said).to contain_exactly(/regoin/)
  ensure
    aws.logger = nil
  end

  it 'can be read in a trap handler' do
    current_session.current
    seen = nil
    before = trap('USR2') { seen = [current_session.current, current_session.current(max_age: 1)] }
    Process.kill('USR2', Process.pid)
    sleep 0.01 until seen
    expect(seen).to all(equal(current_session.held))
  ensure
    trap('USR2', before)
  end

  it 'gives its options to every session' do
    described_class.new(role_arn: 'arn:x').current
    expect(aws::Internal::Native::Session).to have_received(:new).with(a_hash_including(options: { role_arn: 'arn:x' }))
  end

  it 'caps the deadline inside LegionIO, also where LegionIO came later' do
    first = current_session.current
    stub_const('Legion::Identity::Resolver', Module.new)
    expect(current_session.current).not_to equal(first)
    expect(aws::Internal::Native::Session).to have_received(:new).with(a_hash_including(deadline_cap: 4.0))
  end
end
