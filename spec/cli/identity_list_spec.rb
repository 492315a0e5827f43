# frozen_string_literal: true

require 'legion/extensions/identity/aws/cli'
require 'legion/extensions/identity/aws/cli/identity_list'

RSpec.describe Legion::Extensions::Identity::Aws::Cli::IdentityList do
  aws = Legion::Extensions::Identity::Aws

  # Something with an identity, which the block gives or raises.
  def session(&identity) = Class.new { define_method(:identity, &identity) }.new

  it 'asks eight at a time, and gives the rows in the order they were added' do
    gate = Queue.new
    started = Queue.new
    list = described_class.new
    20.times { |number| list.add('role', number.to_s) { session { (started << 1) && gate.pop } } }
    rows = Thread.new { list.rows }
    Timeout.timeout(10) { sleep 0.01 until gate.num_waiting >= 8 }
    sleep 0.1
    expect([started.size, gate.num_waiting]).to eq([8, 8])
    20.times { gate << aws::CallerIdentity }
    expect(rows.value.map(&:name)).to eq((0...20).map(&:to_s))
    expect(started.size).to be(20)
  end

  it 'makes a row of a failure, and asks nothing of what cannot be asked' do
    list = described_class.new
    list.add('profile', 'a') { session { raise aws::NoCredentialsError, 'why' } }
    list.add('role', 'b') { raise ArgumentError, 'no such option' }
    list.add('profile', 'c', 'cannot work') { raise 'not asked' }
    expect(list.rows.map(&:error)).to eq(['why', 'no such option', 'cannot work'])
  end

  it 'raises a defect to the caller' do
    list = described_class.new
    list.add('profile', 'a') { session { raise NoMethodError, 'defect' } }
    expect { list.rows }.to raise_error(NoMethodError, 'defect')
  end
end
