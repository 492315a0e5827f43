# frozen_string_literal: true

RSpec.describe Legion::Extensions::Identity::Aws::Error do
  aws = Legion::Extensions::Identity::Aws

  it 'is the base of every error of this gem, and a StandardError' do
    errors = aws.constants.map { |name| aws.const_get(name, false) }.grep(Class).select { |found| found <= Exception }
    expect(errors).to include(aws::ConfigurationError, aws::InternalError).and all(be <= described_class)
    expect(described_class).to be < StandardError
  end

  it 'lets a caller rescue the wider case' do
    expect(aws::NotReadyError).to be < aws::ConfigurationError
    expect(aws::NotOnAwsError).to be < aws::NoCredentialsError
  end

  it 'carries what AWS said' do
    error = aws::ServiceError.new('STS said no', code: 'ServiceUnavailable', status: 503, request_id: 'r-1',
                                                 attempts: [{ source: 'environment', outcome: 'found', reason: '', milliseconds: 0 }], outage: true)
    expect(error).to have_attributes(message: 'STS said no', code: 'ServiceUnavailable', status: 503, request_id: 'r-1', outage?: true)
    expect(error.attempts.first).to include(source: 'environment')
  end

  it 'needs a message only' do
    expect(described_class.new('x')).to have_attributes(message: 'x', code: nil, attempts: [], outage?: false)
    expect { raise aws::TimeoutError, 'late' }.to raise_error(aws::TimeoutError, 'late')
  end
end
