# frozen_string_literal: true

# Says who aws-sdk-ruby takes us for. A question a line: {"environment": {...}, "profile": name or null}.

require 'aws-sdk-core'
require 'json'
require 'timeout'

# Versions before 3.186 know no AWS_ENDPOINT_URL, so all are told in Ruby.
def endpoints(environment)
  endpoint = environment.fetch('AWS_ENDPOINT_URL')
  { sts: { endpoint: endpoint }, sso: { endpoint: endpoint }, ssooidc: { endpoint: endpoint } }
end

def answer(question)
  ENV.replace(question.fetch('environment'))
  Aws.config = endpoints(ENV)
  Aws.shared_config.fresh(config_enabled: true) # as it is without an opt-out
  options = { profile: question['profile'], retry_limit: 0, http_open_timeout: 5, http_read_timeout: 5 }.compact
  { arn: Aws::STS::Client.new(**options).get_caller_identity.arn }
end

$stdin.each_line do |line|
  found =
    begin
      Timeout.timeout(20) { answer(JSON.parse(line)) }
    rescue StandardError, ScriptError => e
      { refused: e.class.name, message: e.message[0, 400] }
    end
  $stdout.puts JSON.generate(found)
  $stdout.flush
end
