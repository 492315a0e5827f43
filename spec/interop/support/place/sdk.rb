# frozen_string_literal: true

require 'aws-sdk-core'
require 'json'

now = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) }
puts 'ready'
$stdout.flush
$stdin.gets
start = now.call
begin
  found = Aws::STS::Client.new(region: ENV.fetch('AWS_REGION', 'us-east-1')).config.credentials&.credentials
  said = found&.access_key_id ? { key: found.access_key_id } : { refused: 'nil', message: 'no credentials' }
rescue StandardError => e
  said = { refused: e.class.name, message: e.message[0, 300] }
end
puts JSON.generate(said.merge(seconds: (now.call - start).round(1)))
