# frozen_string_literal: true

require 'native/support/native_session_process'

# A child inherits every lock of the C library and of the AWS SDK as it is at that moment. That none is held is a matter of
# moments, so these forks are many. A child that inherits a held one hangs, and is said to have hung.
RSpec.describe 'Forks that race with requests to AWS', :native_session, timeout: 120 do
  def outcomes(said) = said[:children].tally

  it 'hang nobody: 300 of them, while three threads make one request after the other, over HTTP and TLS' do
    said = facts(<<~RUBY, env: local_aws.env_with_keys(tls: true), timeout: 110)
      http   = "http://localhost:\#{ENV.fetch('LOCAL_AWS_PORT')}" # a name, so that it is looked up
      flown  = [0, 0, 0]
      stop   = false
      hammer = [{ endpoint: http }, { endpoint: http }, {}].each_with_index.map do |options, index|
        Thread.new do
          until stop
            session(**options).credentials
            flown[index] += 1
          end
        end
      end
      eventually { flown.all?(&:positive?) }
      children = Array.new(300) do |number|
        child = in_child { session(**(number.even? ? { endpoint: http } : {})).credentials.access_key_id[0, 4] }
        [child.said, child.code]
      end
      stop = true
      hammer.each(&:join)
      tell(children: children, flown: flown, afterwards: session.credentials.access_key_id[0, 4])
    RUBY
    expect(outcomes(said)).to eq(['ASIA', 0] => 300)
    expect(said).to include(flown: all(be > 50), afterwards: 'ASIA')
  end

  it "hang nobody: 100 of them, in a process that reads the system's certificates for the first time" do
    # The SDK reads them behind a lock, once in the life of a process. Each parent here is such a process.
    roots = { 'AWS_CA_BUNDLE' => nil, 'SSL_CERT_FILE' => local_aws.ca_bundle }
    said = facts(<<~RUBY, env: local_aws.env_with_keys(tls: true).merge(roots), timeout: 110)
      children = Array.new(100) do |number|
        parent = in_child do
          mine = session
          mine.prefetch
          sleep(number * 0.00005)
          child = in_child { session.credentials.access_key_id[0, 4] }
          [child.said, child.code, mine.credentials.access_key_id[0, 4]]
        end
        [*parent.said, parent.code]
      end
      tell(children: children)
    RUBY
    expect(outcomes(said)).to eq(['ASIA', 0, 'ASIA', 0] => 100)
  end
end
