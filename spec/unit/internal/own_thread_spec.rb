# frozen_string_literal: true

RSpec.describe Legion::Extensions::Identity::Aws::Internal::OwnThread do
  it 'has a thread that runs before its creator goes on know that it must not prompt' do
    allow(Thread).to receive(:new).and_wrap_original do |original, &block|
      original.call(&block).tap(&:join)
    end
    known = [true, false].map do |unattended|
      said = nil
      described_class.start(unattended: unattended) { said = described_class.unattended? }
      said
    end
    expect(known).to eq([true, false])
  end
end
