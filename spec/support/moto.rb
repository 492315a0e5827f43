# frozen_string_literal: true

require 'json'
require 'net/http'
require 'open3'
require 'socket'
require 'timeout'

# moto, an independent implementation of STS, with its signature checks on, and boto3 (bin/setup --moto).
class Moto
  FOLDER = File.expand_path('../../.local/moto/bin', __dir__)
  SCRIPTS = File.expand_path('../moto', __dir__)

  attr_reader :endpoint, :key, :secret, :role

  def self.start = new

  def initialize
    port = free_port
    @endpoint = "http://127.0.0.1:#{port}"
    # Accepts unsigned requests until setup.py has made user and roles; setup.py then turns the checks on.
    @pid = spawn({ 'INITIAL_NO_AUTH_ACTION_COUNT' => 'inf' }, File.join(FOLDER, 'moto_server'), '-H', '127.0.0.1', '-p', port.to_s,
                 %i[out err] => File::NULL)
    at_exit { stop }
    wait_for(port)
    @key, @secret, @role = python('setup.py', @endpoint).values_at('key', 'secret', 'role')
  end

  # Entries for ENV: its address and the keys of its user.
  def env
    { 'AWS_ENDPOINT_URL'      => endpoint, # read by boto3 and by us
      'AWS_ACCESS_KEY_ID'     => key,
      'AWS_SECRET_ACCESS_KEY' => secret,
      'AWS_REGION'            => 'us-east-1',
      'AWS_DEFAULT_REGION'    => 'us-east-1' } # boto3 knows no AWS_REGION
  end

  # The identity that boto3 gets with the current ENV.
  def boto3_identity = python('caller_identity.py')

  # Turns moto's checks off for the block: they fail for unsigned requests such as AssumeRoleWithWebIdentity.
  def without_checks
    let_pass('inf')
    yield
  ensure
    let_pass('0')
  end

  def stop
    return unless @pid

    Process.kill(:TERM, @pid)
    Process.wait(@pid)
    @pid = nil
  end

  private

  # The number of requests that pass unchecked.
  def let_pass(count)
    Net::HTTP.post(URI("#{endpoint}/moto-api/reset-auth"), count, 'Content-Type' => 'text/plain').value
  end

  def python(script, *arguments)
    out, err, status = Open3.capture3(File.join(FOLDER, 'python'), File.join(SCRIPTS, script), *arguments)
    raise "#{script} failed: #{err}" unless status.success?

    JSON.parse(out)
  end

  def free_port
    server = TCPServer.new('127.0.0.1', 0)
    server.addr[1]
  ensure
    server&.close
  end

  def wait_for(port)
    Timeout.timeout(30) do
      TCPSocket.new('127.0.0.1', port).close
    rescue Errno::ECONNREFUSED
      sleep 0.1
      retry
    end
  end
end
