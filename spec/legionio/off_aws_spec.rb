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

  def boots_with_and_without
    @legions = [['ours'], []].map do |gems|
      LegionIO.boot(gems: gems, settings: LegionIO::PHASE_ZERO, env: { 'AWS_EC2_METADATA_SERVICE_ENDPOINT' => "http://127.0.0.1:#{@dropping.first.addr[1]}" })
    end
    @legions.map(&:seconds_to_boot).reduce(:-)
  end

  it 'says nothing with stock settings either, where the metadata service is switched off' do
    @legions = [LegionIO.boot(env: { 'AWS_EC2_METADATA_DISABLED' => 'true' })]
    expect(@legions.first.lines_of_ours).to be_empty
    expect(@legions.first.api('/api/identity')).to include(source: 'system', registered_providers: [include(name: 'aws'), include(name: 'aws_profile')])
  end

  before { @dropping = dropping }
  after do
    @legions&.each(&:kill)
    @dropping.each(&:close)
  end

  it 'says nothing, and adds less than 1.5 s to its boot', timeout: 180 do
    added = boots_with_and_without
    if added > 1.5 # something else was going on
      @legions.each(&:kill)
      added = [added, boots_with_and_without].min
    end
    tell('off AWS, packets dropped: the gem adds %.2f s to the boot', added)
    legion = @legions.first
    expect(added).to be < 1.5
    expect(legion.lines_of_ours).to be_empty
    expect(legion.api('/api/identity')).to include(source: 'system', trust: nil, registered_providers: [include(name: 'aws'), include(name: 'aws_profile')])
    expect(legion.ask('Thread.list.map(&:name)')).not_to include('lex-identity-aws')
  end
end
