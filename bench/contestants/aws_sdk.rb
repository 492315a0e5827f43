# frozen_string_literal: true

# aws-sdk-ruby. It has no canonical name: the ARN stands for it. It has no leases.
class Contestant
  class << self
    def load = require('aws-sdk-core')
    def identity = client.get_caller_identity.arn
    alias identity_anew identity

    def role(arn)
      Aws::AssumeRoleCredentials.new(client: client, role_arn: arn, role_session_name: 'bench')
    end

    private

    # The endpoint is given in Ruby, since versions before 3.186 do not read it from the environment.
    def client
      @client ||= Aws::STS::Client.new(endpoint: ENV.fetch('AWS_ENDPOINT_URL_STS', nil)) # rubocop:disable ThreadSafety/ClassInstanceVariable
    end
  end
end
