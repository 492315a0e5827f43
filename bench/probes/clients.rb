# frozen_string_literal: true

# 40 calls as lex-s3, lex-sqs and lex-lambda make them: each with a client of aws-sdk-ruby of its own that is given no credentials.
# The client is that of STS, which the local AWS answers.

require 'aws-sdk-core'

CALLS = 40

def call
  Aws::STS::Client.new(endpoint: ENV.fetch('AWS_ENDPOINT_URL_STS'), region: ENV.fetch('AWS_REGION'), access_key_id: nil, secret_access_key: nil)
                  .get_caller_identity.arn
end

Contestant.load
Contestant.serve_clients
RunOne.time('clients') { CALLS.times { call } }
