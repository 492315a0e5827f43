# frozen_string_literal: true

require 'logger'
require 'stringio'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::Registration do
  aws = Legion::Extensions::Identity::Aws

  let(:resolver) do
    Module.new do
      def self.providers = @providers ||= []

      def self.register(provider)
        providers << provider unless providers.any? { |known| known.provider_name == provider.provider_name }
      end
    end
  end

  it 'does nothing where LegionIO is absent' do
    expect(described_class.register).to be_nil
  end

  it "registers with LegionIO's Resolver once, however often it is asked" do
    stub_const('Legion::Identity::Resolver', resolver)
    Array.new(8) { Thread.new { described_class.register } }.each(&:join)
    expect(resolver.providers).to eq(aws::Identity.providers)
    expect(resolver.providers.map(&:provider_name)).to eq(%i[aws aws_profile])
  end

  it 'waits in line, once, where the Resolver is not there yet' do
    line = []
    stub_const('Legion::Identity', Module.new)
    Legion::Identity.define_singleton_method(:pending_registrations) { line }
    2.times { described_class.register }
    expect(line).to eq(aws::Identity.providers)
  end

  it 'does nothing where the settings say enabled: false' do
    stub_const('Legion::Identity::Resolver', resolver)
    allow(aws::Internal::Layers).to receive(:setting).and_return(nil)
    allow(aws::Internal::Layers).to receive(:setting).with(:identity, :aws).and_return({ enabled: false })
    described_class.register
    expect(resolver.providers).to be_empty
  end

  it 'says what went wrong and raises nothing' do
    allow(resolver).to receive(:register).and_raise(ClosedQueueError, 'queue closed')
    stub_const('Legion::Identity::Resolver', resolver)
    aws.logger = Logger.new(log = StringIO.new)
    described_class.register
    expect(log.string).to include('cannot register', 'queue closed')
  ensure
    aws.logger = nil
  end
end
