# frozen_string_literal: true

# Runs inside of a private network name space: gives it the addresses of a place where AWS code runs, and asks one client for
# credentials there. Reads one JSON object from its arguments and prints one:
#
#   { "env": {...}, "rules": [...], "world": {...}, "listen": { "169.254.170.23:80": seconds until it listens }, "ec2": bool,
#     "silent": ["169.254.169.254"], "client": [command...] }

require 'json'
require 'open3'
require 'socket'
require 'tmpdir'
require_relative '../../../support/local_aws'

# The addresses of the place. All but the local AWS's own are on the loopback interface of this name space.
module Machine
  STS = '10.99.0.1'
  ADDRESSES = ['169.254.169.254', '169.254.170.2', '169.254.170.23', STS].freeze
  NAMES = %w[sts.us-east-1.amazonaws.com sts.amazonaws.com sts.cn-north-1.amazonaws.com.cn].freeze

  module_function

  def build(place)
    run('ip', 'link', 'set', 'lo', 'up')
    ADDRESSES.each { |address| run('ip', 'addr', 'add', "#{address}/32", 'dev', 'lo') }
    bind('/etc/hosts', "127.0.0.1 localhost\n#{NAMES.map { |name| "#{STS} #{name}\n" }.join}")
    bind('/etc/resolv.conf', "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    run('mount', '-t', 'tmpfs', 'none', '/sys/class')
    return unless place['ec2']

    FileUtils.mkdir_p('/sys/class/dmi/id')
    File.write('/sys/class/dmi/id/sys_vendor', "Amazon EC2\n")
  end

  def run(*command)
    output, status = Open3.capture2e(*command)
    raise "#{command.join(' ')}: #{output}" unless status.success?
  end

  # The name space has a file of its own there.
  def bind(path, text)
    file = File.join(Dir.mktmpdir, 'file')
    File.write(file, text)
    run('mount', '--bind', file, path)
  end
end

# Passes connections on to the local AWS: metadata as they are, STS through its proxy, which has a certificate for each name.
class Relay
  def initialize(aws, address, port, after)
    @aws = aws
    @thread = Thread.new do
      sleep after
      server = TCPServer.new(address, port)
      loop { pass(server.accept) }
    end
    sleep 0.01 until after.positive? || listening?(address, port)
  end

  private

  def listening?(address, port)
    TCPSocket.new(address, port).close
    true
  rescue SystemCallError
    false
  end

  def pass(client)
    Thread.new do
      first = client.readpartial(16_384)
      server = first.start_with?("\x16".b) ? tunnel(name_in(first)) : connect(@aws.http)
      server.write(first)
      copy(client, server)
    rescue IOError, SystemCallError
      client.setsockopt(Socket::Option.linger(true, 0)) # passes a reset on
    ensure
      [client, server].compact.each(&:close)
    end
  end

  # The name in the ClientHello.
  def name_in(hello) = Machine::NAMES.sort_by(&:size).reverse.find { |name| hello.include?(name) } || Machine::NAMES.first

  def tunnel(name)
    server = connect(@aws.proxy)
    server.write("CONNECT #{name}:443 HTTP/1.1\r\nhost: #{name}:443\r\n\r\n")
    nil until server.gets.strip.empty?
    server
  end

  def connect(url) = URI(url).then { |uri| TCPSocket.new(uri.host, uri.port) }

  # Until one of them ends.
  def copy(client, server)
    other = { client => server, server => client }
    loop { IO.select([client, server]).first.each { |from| other[from].write(from.readpartial(16_384)) } }
  rescue EOFError
    nil
  end
end

place = JSON.parse(ARGV.fetch(0))
Machine.build(place)
aws = LocalAws.start
aws.world(**place['world'].transform_keys(&:to_sym)) if place['world']
place.fetch('rules', []).each { |rule| aws.rule(**rule.transform_keys(&:to_sym)) }
silent = place.fetch('silent', []).map { |address| TCPServer.new(address, 80) } # accepts and never answers
home = Dir.mktmpdir
FileUtils.mkdir_p("#{home}/.aws")
File.write("#{home}/.aws/config", place['config']) if place['config']
File.write("#{home}/irsa", aws.world.fetch('web_identity_tokens').keys.first)
env = { 'HOME' => home, 'AWS_CA_BUNDLE' => aws.ca_bundle, 'IRSA_TOKEN' => "#{home}/irsa" }.merge(place.fetch('env', {}))
env['AWS_WEB_IDENTITY_TOKEN_FILE'] &&= "#{home}/irsa"
# A client loads its library, says so, and begins when it is told to: then the place begins too.
env = { 'PATH' => ENV.fetch('PATH'), 'RUBYLIB' => place['rubylib'] }.merge(env)
said = Open3.popen3(env, *place.fetch('client'), unsetenv_others: true) do |input, output, error|
  output.gets or raise "the client was not ready: #{error.read}"
  place.fetch('listen', {}).each { |at, after| at.split(':').then { |address, port| Relay.new(aws, address, Integer(port), after) } }
  input.puts('go')
  output.gets or raise "the client said nothing: #{error.read}"
end
puts JSON.generate(JSON.parse(said).merge(hosts: aws.requests(service: :sts).map { |request| request[:host] }.uniq, silent: silent.size))
aws.stop
