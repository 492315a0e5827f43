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

    def identity_token
      client.get_web_identity_token(audience: ['bench'], signing_algorithm: 'RS256', duration_seconds: 300).web_identity_token
    end

    # The vendor's own: Aws::STS::Presigner for EKS, and what Aws::RDS::AuthTokenGenerator of aws-sdk-rds does with Aws::Sigv4.
    def presigned(kind)
      return "k8s-aws-v1.#{[eks_url].pack('m0').tr('+/', '-_').delete('=')}" if kind == 'eks'

      signer = Aws::Sigv4::Signer.new(service: 'rds-db', region: client.config.region, credentials_provider: client.config.credentials)
      signer.presign_url(http_method: 'GET', url: 'https://db.example:5432/?Action=connect&DBUser=bench', body: '', expires_in: 900).to_s.delete_prefix('https://')
    end

    # Each finds credentials by itself.
    def serve_clients = nil

    private

    def eks_url = Aws::STS::Presigner.new(client: client).get_caller_identity_presigned_url(headers: { 'X-K8s-Aws-Id' => 'bench' })

    # The endpoint is given in Ruby, since versions before 3.186 do not read it from the environment.
    def client
      @client ||= Aws::STS::Client.new(endpoint: ENV.fetch('AWS_ENDPOINT_URL_STS', nil)) # rubocop:disable ThreadSafety/ClassInstanceVariable
    end
  end
end
