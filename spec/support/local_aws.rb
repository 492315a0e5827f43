# frozen_string_literal: true

require 'json'
require 'net/http'
require_relative 'slowdown'

# The local AWS (spec/fake_aws) for specs, demo and console: STS, IMDS, container endpoints, SSO and a proxy on loopback. Its
# README describes its world and its rules; field names here are those there.
#
#   aws = LocalAws.start
#   aws.rule(service: :sts, action: 'AssumeRole', answer: { error: { status: 403, code: 'AccessDenied' } })
#   aws.requests(service: :sts).map { |request| request[:action] }
#   aws.stop
class LocalAws
  # The program that rake has built, in cargo's default place.
  BINARY = File.expand_path('../fake_aws/target/debug/fake_aws', __dir__)

  VERBS = { get: Net::HTTP::Get, post: Net::HTTP::Post, delete: Net::HTTP::Delete }.freeze
  private_constant :VERBS

  class Error < StandardError; end

  attr_reader :http, :https, :ca_bundle, :proxy, :pid

  def self.start(...)
    new(...)
  end

  # It exits at stop, with this process, or when the pipe to it closes.
  def initialize(binary: ENV.fetch('FAKE_AWS_BIN', BINARY))
    raise Error, "there is no local AWS at #{binary}: run rake fake_aws" unless File.executable?(binary)

    # A process group of its own: Ctrl-C in a terminal must not reach it, and our specs send signals to groups.
    @pipe = IO.popen([binary], 'r+', pgroup: true)
    ready = @pipe.gets or raise Error, "#{binary} ended before it was ready"
    @pid, @http, @https, @ca_bundle, @proxy = JSON.parse(ready).values_at('pid', 'http', 'https', 'ca_bundle', 'proxy')
    @uri = URI(@http)
  end

  # Entries for ENV with the endpoints of STS, SSO, sign-in and IMDS at this local AWS.
  def env(tls: false)
    address = tls ? https : http
    { 'AWS_ENDPOINT_URL_STS'              => address,
      'AWS_ENDPOINT_URL_SSO'              => address,
      'AWS_ENDPOINT_URL_SSO_OIDC'         => address,
      'AWS_ENDPOINT_URL_SIGNIN'           => address,
      'AWS_CA_BUNDLE'                     => (ca_bundle if tls),
      'AWS_EC2_METADATA_SERVICE_ENDPOINT' => http,
      'AWS_EC2_METADATA_DISABLED'         => nil }
  end

  # The same, and the keys of a user.
  def env_with_keys(arn = 'arn:aws:iam::123456789012:user/demo', **options)
    user = world.fetch('users').fetch(arn)
    env(**options).merge('AWS_ACCESS_KEY_ID' => user['access_key_id'], 'AWS_SECRET_ACCESS_KEY' => user['secret_access_key'],
                         'AWS_SESSION_TOKEN' => user['session_token'])
  end

  # The same as env, and a container endpoint with its authorization token.
  def env_with_container(path = '/ecs/credentials', **options)
    token = world.fetch('containers').fetch(path)['authorization_token']
    env(**options).merge('AWS_CONTAINER_CREDENTIALS_FULL_URI' => "#{http}#{path}", 'AWS_CONTAINER_AUTHORIZATION_TOKEN' => token)
  end

  # Adds a rule and returns its number; with a block, for the block only (held requests are answered then).
  def rule(**fields)
    id = control(:post, 'rules', fields).fetch('ids').first
    return id unless block_given?

    begin
      yield id
    ensure
      remove_rule(id)
    end
  end

  def remove_rule(id)
    control(:delete, "rules?id=#{id}")
  end

  # Every request so far, oldest first: Hashes with symbol keys; `headers` and `params` in them have String keys.
  def requests(**filter)
    control(:get, "requests?#{URI.encode_www_form(filter)}").map { |entry| entry.transform_keys(&:to_sym) }
  end

  # Waits until this many have arrived, answered or not.
  def wait_for_requests(count, timeout: 5, **filter)
    timeout *= Slowdown::FACTOR
    requests(**filter, wait: count, timeout_ms: (timeout * 1000).to_i)
  rescue Error => e
    raise Error, "#{count} requests were expected within #{timeout} s (#{filter}): #{e.message}"
  end

  def forget_requests
    control(:delete, 'requests')
  end

  # The whole world, after a patch: Hashes merge, nil removes, other values replace.
  def world(**patch)
    patch.empty? ? control(:get, 'world') : control(:post, 'world', patch)
  end

  # A temporary key for a user, role or any other ARN, as STS would issue it.
  def issue(arn, **options)
    control(:post, 'credentials', { arn: arn, **options }).transform_keys(&:to_sym)
  end

  # Restores world, rules, log and keys.
  def reset
    control(:post, 'reset')
  end

  def stop
    @pipe.close
  end

  private

  def control(verb, path, body = nil)
    request = VERBS.fetch(verb).new("/_control/#{path}")
    request.body = JSON.generate(body) if body
    # No proxy, whatever ENV says: specs set proxies for the gem.
    response = Net::HTTP.start(@uri.host, @uri.port, nil, read_timeout: 70 * Slowdown::FACTOR) { |connection| connection.request(request) }
    return JSON.parse(response.body) if response.code == '200'

    raise Error, "#{verb} #{path}: #{response.code} #{response.body}"
  end
end
