# frozen_string_literal: true

require 'json'
require 'net/http'

# As much of the gems vault 0.20.1 and legion-crypt 1.5.13 as this gem talks to, as constants for stub_const. What the real ones do is in
# spec/legionio. Nothing is signed: the signature is a word.
module SmallVault
  VERSION = '0.20.1'

  class VaultError < RuntimeError; end

  class HTTPConnectionError < VaultError
    attr_reader :original_exception

    def initialize(original_exception)
      @original_exception = original_exception
      super("The original error was #{original_exception.message}")
    end
  end

  class HTTPError < VaultError
    attr_reader :code, :errors

    def initialize(code, errors)
      @code = code
      @errors = errors
      super("it said #{errors}")
    end
  end

  Auth = Struct.new(:client_token, :lease_duration, :renewable) do
    def renewable? = renewable
  end
  Answer = Struct.new(:auth)

  class Client
    attr_reader :options
    attr_accessor :token

    def initialize(options)
      @options = options
      @token = options[:token]
    end

    def address = options[:address]
    def auth = self
    def auth_token = self
    def shutdown = nil
    def build_uri(_verb, path, _data = {}) = URI.join(address, path)

    def aws_iam(role, credentials, server_id, endpoint, route)
      raise "Unable to parse STS endpoint #{endpoint}" unless endpoint.match?(%r{\Ahttps://sts(\.[\w-]+)?\.amazonaws\.com(\.cn)?\z})

      headers = { 'X-Vault-AWS-IAM-Server-ID' => server_id, 'x-amz-security-token' => credentials.session_token,
                  'authorization' => "AWS4-HMAC-SHA256 Credential=#{credentials.access_key_id}, Signature=#{'5197a70e' * 8}" }
      body = { role: role, iam_request_url: [endpoint].pack('m0'), iam_request_headers: [JSON.generate(headers)].pack('m0') }
      decode(request(:post, route, JSON.generate(body)))
    end

    def revoke_self = request(:post, '/v1/auth/token/revoke-self')

    def renew_self = decode(request(:put, '/v1/auth/token/renew-self', '{}'))

    def request(verb, path, data = {}, headers = {})
      uri = build_uri(verb, path, data)
      headers = headers.merge({ 'X-Vault-Token' => token }.compact)
      response = Net::HTTP.start(uri.host, uri.port, open_timeout: options[:open_timeout], read_timeout: options[:read_timeout], max_retries: 0) do |http|
        http.send_request(verb.to_s.upcase, uri.path, (data unless data.is_a?(Hash)), headers)
      end
      return request(verb, response['location'], data, headers) if response.is_a?(Net::HTTPRedirection)
      return (JSON.parse(response.body, symbolize_names: true) if response.body) if response.is_a?(Net::HTTPSuccess)

      raise HTTPError.new(response.code.to_i, JSON.parse(response.body)['errors'])
    rescue SystemCallError, SocketError, Timeout::Error => e
      raise HTTPConnectionError, e
    end

    private

    def decode(json)
      answer = Answer.new(json[:auth] && Auth.new(*json[:auth].values_at(:client_token, :lease_duration, :renewable)))
      answer.tap { answer.auth.client_token }
    end
  end

  # Legion::Crypt.
  class Crypt
    def initialize(settings) = @settings = settings
    def clusters = @settings[:crypt][:vault][:clusters] || {}
    def cluster(name) = clusters[name.to_sym]

    def vault_client(name)
      config = cluster(name)
      (@clients ||= {})[name] ||= Client.new(address: "#{config[:protocol]}://#{config[:address]}:#{config[:port]}", token: config[:token])
    end
  end
end
