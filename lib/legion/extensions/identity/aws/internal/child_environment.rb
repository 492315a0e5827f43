# frozen_string_literal: true

require_relative 'redacted'
require_relative 'utc'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # The variables that give a child process credentials: a Hash for `spawn`, printed without its values.
          #
          # @api private
          class ChildEnvironment < ::Hash
            include Redacted

            # Variables that would choose another identity in the child, for one reader of credentials or another. They are unset.
            # @see https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
            UNSET = %w[AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE AWS_SECURITY_TOKEN
                       AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_AUTHORIZATION_TOKEN
                       AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_ACCOUNT_ID AWS_BEARER_TOKEN_BEDROCK AWS_ACCESS_KEY AWS_SECRET_KEY AWS_CREDENTIAL_FILE
                       AMAZON_ACCESS_KEY_ID AMAZON_SECRET_ACCESS_KEY AMAZON_SESSION_TOKEN].freeze

            # @param credentials [Credentials]
            def initialize(credentials)
              super()
              UNSET.each { |name| self[name] = nil }
              region = credentials.region
              update('AWS_ACCESS_KEY_ID' => credentials.access_key_id, 'AWS_SECRET_ACCESS_KEY' => credentials.secret_access_key,
                     'AWS_SESSION_TOKEN' => credentials.session_token, 'AWS_CREDENTIAL_EXPIRATION' => Utc.text(credentials.expiration),
                     'AWS_REGION' => region, 'AWS_DEFAULT_REGION' => region)
              freeze
            end

            # @return [String] the names that are set
            def inspect = "#<#{self.class} #{compact.keys.join(' ')}>"
          end
        end
      end
    end
  end
end
