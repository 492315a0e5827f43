# frozen_string_literal: true

require 'open3'
require 'socket'
require 'tempfile'

# How bin/setup decides between Bundler and Debian's packages.
RSpec.describe 'bin/setup.d/rubygems_reached.rb' do
  let(:program) { File.expand_path('../../bin/setup.d/rubygems_reached.rb', __dir__) }

  # A gem source that answers with the status, or not at all.
  def with_source(status)
    server = TCPServer.new('127.0.0.1', 0)
    thread = Thread.new do
      client = server.accept
      @asked = client.gets
      client.write("HTTP/1.1 #{status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") if status
      client.close
    end
    yield "http://127.0.0.1:#{server.addr[1]}/prefix/"
  ensure
    server.close
    thread&.kill
  end

  def reached?(source)
    Tempfile.create('gemrc') do |gemrc|
      gemrc.write(":sources:\n- #{source}\n")
      gemrc.close
      output, status = Open3.capture2e({ 'GEMRC' => gemrc.path, 'BUNDLE_GEMFILE' => nil, 'RUBYOPT' => nil }, RbConfig.ruby, program)
      [status.success?, output]
    end
  end

  it 'asks the source in the gemrc of the user' do
    with_source('200 OK') { |source| expect(reached?(source)).to eq([true, '']) }
    expect(@asked).to start_with('HEAD /prefix/specs.4.8.gz ')
  end

  it 'takes a refusal for what it is' do
    with_source('403 Forbidden') { |source| expect(reached?(source).first).to be(false) }
  end

  it 'says what went wrong with a source that hangs up' do
    with_source(nil) { |source| expect(reached?(source)).to match([false, /\ARubyGems does not answer: ./]) }
  end

  it 'says what went wrong with a source that is not there' do
    expect(reached?('http://127.0.0.1:9/')).to match([false, /\ARubyGems does not answer: .*refused/])
  end
end
