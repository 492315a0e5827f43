# frozen_string_literal: true

require 'legionio/support/boots'

RSpec.describe 'LegionIO off AWS', order: :defined do
  # Packets to a full queue are dropped, as those to a metadata service that is not there.
  def dropping
    server = TCPServer.new('127.0.0.1', 0)
    server.listen(0)
    address = Socket.sockaddr_in(server.addr[1], '127.0.0.1')
    full = Array.new(4) { Socket.new(:INET, :STREAM).tap { |socket| socket.connect_nonblock(address, exception: false) } }
    [server, *full]
  end

  # None runs beside the next one.
  def boot_with(*gems)
    @legion&.kill
    endpoint = "http://127.0.0.1:#{@dropping.first.addr[1]}"
    @legion = LegionIO.boot(gems: gems, settings: LegionIO::PHASE_ZERO, env: { 'AWS_EC2_METADATA_SERVICE_ENDPOINT' => endpoint })
    @legion.seconds_to_boot
  end

  before { @dropping = dropping }
  after do
    @legion&.kill
    @dropping.each(&:close)
  end

  def expect_silence
    expect(@legion.lines_of_ours).to be_empty
    expect(@legion.api('/api/identity')).to include(source: 'system', trust: nil, registered_providers: [include(name: 'aws'), include(name: 'aws_profile')])
    expect(@legion.ask('Thread.list.map(&:name)')).not_to include('lex-identity-aws')
  end

  it 'says nothing with stock settings either, where the metadata service is switched off' do
    @legion = LegionIO.boot(env: { 'AWS_EC2_METADATA_DISABLED' => 'true' })
    expect(@legion.lines_of_ours).to be_empty
    expect(@legion.api('/api/identity')).to include(source: 'system', registered_providers: [include(name: 'aws'), include(name: 'aws_profile')])
  end

  it 'says nothing, and adds less than 1.5 s to its boot', timeout: 400 do
    quiet = lambda do
      seconds = boot_with('ours')
      expect_silence
      seconds
    end
    added = seconds_added(with: quiet, without: -> { boot_with }, below: 1.5)
    tell('off AWS, packets dropped: the gem adds %.2f s to the boot', added)
    expect(added).to be < 1.5
  end
end
