# frozen_string_literal: true

require 'legion/extensions/identity/aws/legionio/switches'

RSpec.describe Legion::Extensions::Identity::Aws::LegionIO::Switches do
  internal = Legion::Extensions::Identity::Aws::Internal

  def settings(given) = allow(Legion::Extensions::Identity::Aws::Internal::Layers).to receive(:identity_aws).and_return(given)

  it 'are on for true alone, as text too' do
    [true, 'true', 'TRUE', ' true '].each do |on|
      settings(internal::Secret.new({ 'sdk_default' => on }))
      expect(described_class.on?(:sdk_default)).to be(true)
      expect(described_class.problem).to be_nil
    end
    [nil, false, 'false', 'False', ''].each do |off|
      settings(internal::Secret.new({ sdk_default: off }))
      expect(described_class.on?(:sdk_default)).to be(false)
      expect(described_class.problem).to be_nil
    end
    settings(nil)
    expect([described_class.on?(:sdk_default), described_class.problem]).to eq([false, nil])
  end

  it 'are named where they are neither true nor false' do
    %i[enabled sdk_default broker_bridge].product(['yes', 'no', 0, 1, [true]]).each do |name, odd|
      settings(internal::Secret.new({ name => odd }))
      expect(described_class.problem).to match(/\Aidentity\.aws\.#{name} is neither true nor false/)
    end
  end
end
