# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/native'
require_relative '../internal/secret'
require_relative 'vault_call'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # A login to Vault with AWS credentials: a signed GetCallerIdentity request, which Vault sends to STS.
          #
          # @api private
          class VaultLogin
            # Where Vault sends it, and in which region it is checked, unless Vault is configured otherwise.
            ENDPOINT = 'https://sts.amazonaws.com'
            private_constant :ENDPOINT

            # What Vault gave: the token (an {Internal::Secret}), the seconds it lives (0: without end), and whether it may be renewed.
            Grant = ::Struct.new(:token, :lease_duration, :renewable)

            # @param cluster [VaultCluster]
            # @param request [VaultSetting::Request]
            def initialize(cluster, request)
              @cluster = cluster
              @request = request
            end

            # @param credentials [Credentials]
            # @return [Grant]
            # @raise [Error]
            def login(credentials)
              role, server_id, endpoint, mount = @request.to_a.drop(1)
              VaultCall.new(@cluster, credentials.keys.values_at(:secret_access_key, :session_token).compact).run do |client|
                answer = Internal::Secret.new(client.value.auth.aws_iam(role, credentials, server_id, endpoint || ENDPOINT, "/v1/auth/#{mount}/login"))
                grant(answer, Internal::Secret.new(answer.value.auth.client_token))
              end
            end

            # @param token [Internal::Secret]
            # @return [Grant] of the same token
            # @raise [Error]
            def renew(token)
              VaultCall.new(@cluster, [Internal::Native::SecretText.new(token.value)]).run do |client|
                client.value.token = token.value
                grant(Internal::Secret.new(client.value.auth_token.renew_self), token)
              end
            end

            # Leases that were made with the token end with it.
            #
            # @param token [Internal::Secret]
            # @return [void]
            # @raise [Error]
            def revoke(token)
              VaultCall.new(@cluster, [Internal::Native::SecretText.new(token.value)]).run do |client|
                client.value.token = token.value
                client.value.auth_token.revoke_self
              end
            end

            private

            def grant(answer, token)
              raise ServiceError, 'It gave no token.' unless token.text? && !token.blank?

              Grant.new(token, Integer(answer.value.auth.lease_duration || 0), answer.value.auth.renewable? == true).freeze
            end
          end
        end
      end
    end
  end
end
