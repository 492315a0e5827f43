# frozen_string_literal: true

require_relative '../command'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws credentials`
          #
          # @api private
          class Credentials < Command
            # (see Command::SUMMARY)
            SUMMARY = 'the credentials in force, for another program'
            # (see Command::POSITION)
            POSITION = 3

            # (see Command#declare)
            def declare(options)
              options.on('--format FORMAT', %w[env process json], 'env: lines for eval "$(...)" (the default)', 'process: for credential_process',
                         'json: for other programs') { |format| @format = format }
              options.on('--show', 'print secrets on a terminal too') { @show = true }
              session_options(options)
            end

            private

            def run
              credentials = good_credentials
              output.terminal? && !@show ? summarize(credentials) : hand_out(credentials)
              :done
            end

            def summarize(credentials)
              output.pairs('access key id' => credentials.access_key_id, 'expires' => expires(credentials), 'account' => credentials.account_id,
                           'region' => credentials.region, 'source' => credentials.source)
              output.note('The secrets are not printed on a terminal; --show prints them.')
            end

            # Only long-lived keys have no session token.
            def expires(credentials)
              credentials.expiration || (credentials.session_token ? 'at a time that is not known' : 'never')
            end

            def hand_out(credentials)
              case @format
              when 'process' then output.json(process(credentials))
              when 'json' then output.json(json(credentials))
              else output.print(env(credentials))
              end
            end

            # Lines for a shell. A variable without a value is unset: a session token of other keys would make these useless.
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
