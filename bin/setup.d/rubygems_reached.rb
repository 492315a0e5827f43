# frozen_string_literal: true

# Exits 0 when the gem source that this user has configured answers, within 5 seconds.
require 'net/http'
require 'openssl'
require 'timeout'

begin
  Timeout.timeout(5) do
    Gem.configuration # reads the user's gemrc, which may configure another source
    uri = URI.join("#{Gem.sources.first.uri.to_s.chomp('/')}/", 'specs.4.8.gz')
    http = Net::HTTP.new(uri.host, uri.port)
    http.use_ssl = uri.scheme == 'https'
    http.open_timeout = http.read_timeout = 3
    status = http.start { |connection| connection.head(uri.request_uri).code.to_i }
    exit status < 400
  end
rescue SystemCallError, SocketError, IOError, Timeout::Error, Net::ProtocolError, OpenSSL::SSL::SSLError => e
  warn "RubyGems does not answer: #{e.message}"
  exit false
end
