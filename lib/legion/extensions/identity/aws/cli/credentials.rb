# frozen_string_literal: true

require_relative 'command'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws credentials`
          #
          # @api private
          class Credentials < Command
            # @return [Symbol] a key of {STATUS}
            def run
              credentials = session.credentials
              raise NoCredentialsError, "The credentials of #{credentials.source} have expired. See lex-identity-aws doctor." if credentials.expired?

              output.terminal? && !arguments.show ? summarize(credentials) : hand_out(credentials)
              :done
            end

            private

            def summarize(credentials)
              output.pairs('access key id' => credentials.access_key_id, 'ends' => credentials.expiration || 'never', 'account' => credentials.account_id,
                           'region' => credentials.region, 'source' => credentials.source)
              output.note('The secrets are not printed on a terminal; --show prints them.')
            end

            def hand_out(credentials)
              case arguments.format
              when 'process' then output.json(process(credentials))
              when 'json' then output.json(json(credentials))
              else output.print(env(credentials))
              end
            end

            # Lines for a shell. What a set does not have is taken away: a token of other keys would spoil these.
            def env(credentials)
              require 'shellwords'
              { 'AWS_ACCESS_KEY_ID' => credentials.access_key_id, 'AWS_SECRET_ACCESS_KEY' => credentials.secret_access_key,
                'AWS_SESSION_TOKEN' => credentials.session_token, 'AWS_CREDENTIAL_EXPIRATION' => time(credentials) }.map do |name, value|
                value ? "export #{name}=#{::Shellwords.escape(value)}" : "unset #{name}"
              end.join("\n")
            end

            # @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
            def process(credentials)
              { 'Version' => 1, 'AccessKeyId' => credentials.access_key_id, 'SecretAccessKey' => credentials.secret_access_key,
                'SessionToken' => credentials.session_token, 'Expiration' => time(credentials), 'AccountId' => credentials.account_id }.compact
            end

            def json(credentials)
              { access_key_id: credentials.access_key_id, secret_access_key: credentials.secret_access_key, session_token: credentials.session_token,
                expiration: time(credentials), account_id: credentials.account_id, region: credentials.region, source: credentials.source }
            end

            def time(credentials) = credentials.expiration&.strftime('%Y-%m-%dT%H:%M:%SZ')
          end
        end
      end
    end
  end
end
