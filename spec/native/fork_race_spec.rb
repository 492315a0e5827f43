# frozen_string_literal: true

require 'native/support/native_session_process'

# A child inherits every lock of the C library and of the AWS SDK in its current state. Whether one is held depends on timing, so
# there are many forks. A child that inherits a held lock hangs, and the example reports it.
RSpec.describe 'Forks that race with requests to AWS', :native_session, timeout: 120 do
  def outcomes(said) = said[:children].tally

  it 'let no child hang: 300 of them, while three threads make one request after the other, over HTTP and TLS' do
    said = facts(<<~RUBY, env: local_aws.env_with_keys(tls: true), timeout: 110)
      http   = "http://localhost:\#{ENV.fetch('LOCAL_AWS_PORT')}" # a host name, so that it is looked up
      fetched  = [0, 0, 0]
      stop   = false
      hammer = [{ endpoint: http }, { endpoint: http }, {}].each_with_index.map do |options, index|
        Thread.new do
          until stop
            session(**options).credentials
            fetched[index] += 1
          end
        end
      end
      eventually { fetched.all?(&:positive?) }
      children = Array.new(300) do |number|
        child = in_child { session(**(number.even? ? { endpoint: http } : {})).credentials.access_key_id[0, 4] }
        [child.said, child.code]
      end
      stop = true
      hammer.each(&:join)
      tell(children: children, fetched: fetched, afterwards: session.credentials.access_key_id[0, 4])
    RUBY
    expect(outcomes(said)).to eq(['ASIA', 0] => 300)
    expect(said).to include(fetched: all(be > 50), afterwards: 'ASIA')
  end

  it 'let no child hang: 100 of them, in a process that reads the authorities of SSL_CERT_FILE' do
    # They are read in each fetch. Each parent here reads them for the first time.
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
