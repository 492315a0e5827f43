# frozen_string_literal: true

RSpec.describe Legion::Extensions::Identity::Aws::Internal::Turn do
  let(:turn) { described_class.new }
  let(:aws)  { Legion::Extensions::Identity::Aws }

  it 'is one thread\'s until that one is done' do
    asking, ours = turn.take(:credentials)
    expect(ours).to be true
    expect(Thread.new { turn.take(:credentials) }.value).to eq([asking, false])
    expect(turn.keep(asking) { 7 }).to eq(7)
    expect(asking.answer).to eq(7)
    expect(turn.take(:credentials)).to match([satisfy { |other| !other.equal?(asking) }, true])
  end

  it 'tells those who wait of an error, and of a defect too' do
    { aws::NoCredentialsError.new('none') => aws::NoCredentialsError, NameError.new('canary') => aws::InternalError }.each do |raised, told|
      asking, = turn.take(:credentials)
      expect { turn.keep(asking) { raise raised } }.to raise_error(told)
      expect(asking.error).to be_a(told)
      expect(asking.error.message).not_to include('canary')
      expect(asking).to be_over
    end
  end

  it 'refuses whoever asks from inside of it' do
    asking, = turn.take(:credentials)
    expect { turn.keep(asking) { turn.take(:credentials) } }.to raise_error(aws::ConfigurationError, /reads the very session/)
  end
end
