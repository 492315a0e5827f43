# frozen_string_literal: true

require 'doctor/support/broken_world'

RSpec.describe 'The doctor, where nothing answers,' do
  include BrokenWorld

  it 'returns, with all other findings' do
    local_aws.rule(service: :sts, answer: 'hang') do
      start = Time.now
      report = examine
      expect(Time.now - start).to be < 12
      expect(problems(report)).to contain_exactly(['network', 'answer', :fail, a_string_including('no answer in time'), String])
      expect(finding(report, 'sources', 'credentials').status).to be(:ok)
    end
  end

  it 'can be interrupted, and leaves the other threads alone' do
    local_aws.rule(service: :sts, answer: 'hang') do
      ticks = 0
      ticker = Thread.new { loop { (ticks += 1) && sleep(0.01) } }
      start = Time.now
      expect { Timeout.timeout(0.5) { examine } }.to raise_error(Timeout::Error)
      expect(Time.now - start).to be < 3
      expect(ticks).to be > 5
      ticker.kill
    end
  end
end
