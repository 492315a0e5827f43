# frozen_string_literal: true

require 'json'
require 'net/http'
require 'socket'

# A Vault on loopback, as much of it as a login with AWS, a renewal, a revocation and a reading take.
#
#   vault = LocalVault.start(aws: local_aws.http)   verifies logins as Vault does: sends the signed request to STS
#   vault.trouble = :hang                           answers nothing, until it is nil; :echo says back all it was sent, as an error
#   vault.logins                                    what was sent to log in, decoded
#   vault.stop
class LocalVault
  attr_reader :port, :logins, :renewals, :tokens, :revoked
  attr_accessor :trouble, :lease_duration, :renewable, :role

  def self.start(...) = new(...)

  def initialize(aws: nil, role: 'worker', secrets: {})
    @aws = aws
    @role = role
    @secrets = secrets
    @lease_duration = 3600
    @renewable = true
    @logins = []
    @renewals = []
    @tokens = []
    @revoked = []
    @server = TCPServer.new('127.0.0.1', 0)
    @port = @server.addr[1]
    @threads = []
    @threads << Thread.new { loop { @threads << Thread.new(@server.accept) { |client| serve(client) } } }
  end

  def stop
    @threads.each(&:kill).each(&:join)
    @server.close
  end

  # Closes the connections that hang.
  def stop_hanging = @threads.drop(1).each(&:kill)

  # As it stands in LegionIO's `crypt.vault.clusters`.
  def cluster = { protocol: 'http', address: '127.0.0.1', port: port }

  private

  def serve(client)
    Thread.current.report_on_exception = false
    while (line = client.gets)
      headers = {}
      while (header = client.gets.chomp) != ''
        name, value = header.split(': ', 2)
        headers[name.downcase] = value
      end
      verb, path = line.split
      respond(client, *answer(verb, path, headers, client.read(headers['content-length'].to_i)))
    end
  ensure
    client.close
  end

  def respond(client, status, body, type = 'application/json')
    sleep if trouble == :hang
    text = body.is_a?(String) ? body : JSON.generate(body)
    client.write("HTTP/1.1 #{status} Status\r\nContent-Type: #{type}\r\nContent-Length: #{text.bytesize}\r\n" \
                 "#{"Location: #{text}\r\n" if status == 307}\r\n#{text}")
  end

  def answer(verb, path, headers, body)
    return trouble.call(path, body) if trouble.respond_to?(:call)
    return login(path, body) if verb == 'POST' && path.start_with?('/v1/auth/') && path.end_with?('/login')
    return refused(403, 'permission denied') unless (tokens - revoked).include?(headers['x-vault-token'])
    return renewal(headers) if path == '/v1/auth/token/renew-self'
    return revocation(headers) if path == '/v1/auth/token/revoke-self'

    found = @secrets[path.delete_prefix('/v1/')]
    found ? [200, { data: { data: found, metadata: { version: 1 } } }] : refused(404, 'no such path')
  end

  def login(path, body)
    sent = JSON.parse(body)
    signed = JSON.parse(sent['iam_request_headers'].unpack1('m'))
    said = identity(sent, signed)
    logins << { path: path, role: sent['role'], url: sent['iam_request_url'].unpack1('m'), headers: signed, arn: said[%r{<Arn>(.*)</Arn>}, 1] }
    return refused(400, "no entry: #{body} #{signed}") if trouble == :echo
    return refused(400, 'entry for role not found') unless sent['role'] == role
    return refused(400, "error making upstream request: #{said}") unless logins.last[:arn]

    tokens << "hvs.#{'canary' * 4}#{tokens.size}"
    [200, auth(tokens.last)]
  end

  # What STS says of the signed request.
  def identity(sent, signed)
    return '<Arn>unverified</Arn>' unless @aws

    headers = signed.merge('Host' => URI(sent['iam_request_url'].unpack1('m')).host)
    Net::HTTP.post(URI(@aws), sent['iam_request_body'].unpack1('m'), headers).body
  end

  def renewal(headers)
    renewals << headers['x-vault-token']
    renewable ? [200, auth(headers['x-vault-token'])] : refused(400, 'lease is not renewable')
  end

  def revocation(headers)
    revoked << headers['x-vault-token']
    [204, '']
  end

  def auth(token) = { auth: { client_token: token, lease_duration: lease_duration, renewable: renewable, policies: ['default'] } }

  def refused(status, *errors) = [status, { errors: errors }]
end
