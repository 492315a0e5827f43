# frozen_string_literal: true

RSpec.describe Legion::Extensions::Identity::Aws::Internal::Backoff do
  it 'doubles from 2 s to 60 s, and stays there' do
    middle = Class.new { def rand(range) = (range.begin + range.end) / 2 }.new
    backoff = described_class.new(random: middle)
    expect(Array.new(8) { backoff.next }).to eq([2, 4, 8, 16, 32, 60, 60, 60])
  end

  it 'does not bring the machines of an outage back as one' do
    firsts = Array.new(200) { described_class.new.next }
    expect(firsts).to all(be_between(1.5, 2.5))
    expect(firsts.uniq.size).to be > 100
  end
end
