# frozen_string_literal: true

require 'shellwords'
require_relative '../internal/utc'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # The forms in which credentials are handed to other programs.
          #
          # @api private
          class ExportFormats
            # Each form, with what it is for.
            ALL = {
              'env'           => 'lines for eval "$(...)" (the default)',
              'env-no-export' => 'lines for docker run --env-file',
              'fish'          => 'lines for fish: ... | source',
              'powershell'    => 'lines for PowerShell: ... | Out-String | Invoke-Expression',
              'ini'           => 'a profile for ~/.aws/credentials',
              'process'       => 'for credential_process',
              'json'          => 'for other programs'
            }.freeze

            # @param credentials [Aws::Credentials]
            # @param profile [String, nil] the profile's name in `ini`; nil: default
            def initialize(credentials, profile = nil)
              @credentials = credentials
              @profile = profile || 'default'
            end

            # @param format [String] a key of {ALL}
            # @return [Hash, String]
            # @raise [ConfigurationError] for a value that this form cannot hold
            def to(format) = public_send(format.tr('-', '_'))

            # Lines for a POSIX shell. A variable without a value is unset: a session token of other keys would make these useless.
            #
            # @return [String]
            def env
              lines(->(name, value) { "export #{name}=#{::Shellwords.escape(value)}" }, ->(name) { "unset #{name}" })
            end

            # Lines without quotes, as docker takes them: a value is all that stands after the `=`.
            #
            # @return [String]
            # @see https://pkg.go.dev/github.com/docker/cli/pkg/kvfile
            def env_no_export = lines(->(name, value) { "#{name}=#{unquoted(one_line(value))}" })

            # @return [String]
            def fish
              quoted = ->(value) { "'#{value.gsub(/['\\]/) { |mark| "\\#{mark}" }}'" }
              lines(->(name, value) { "set -gx #{name} #{quoted.call(value)}" }, ->(name) { "set -e #{name}" })
            end

            # @return [String]
            def powershell
              lines(->(name, value) { "$Env:#{name} = '#{value.gsub(/['‘’‚‛]/) { |mark| mark * 2 }}'" },
                    ->(name) { "Remove-Item Env:#{name} -ErrorAction SilentlyContinue" })
            end

            # @return [String]
            def ini
              pairs = { aws_access_key_id: @credentials.access_key_id, aws_secret_access_key: @credentials.secret_access_key,
                        aws_session_token: @credentials.session_token, region: @credentials.region }.compact
              ["[#{@profile}]", *("# until #{expiration}" if expiration), *pairs.map { |name, value| "#{name} = #{whole(one_line(value))}" }].join("\n")
            end

            # @return [Hash]
            # @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
            def process
              { 'Version' => 1, 'AccessKeyId' => @credentials.access_key_id, 'SecretAccessKey' => @credentials.secret_access_key,
                'SessionToken' => @credentials.session_token, 'Expiration' => expiration, 'AccountId' => @credentials.account_id }.compact
            end

            # @return [Hash]
            def json
              { access_key_id: @credentials.access_key_id, secret_access_key: @credentials.secret_access_key, session_token: @credentials.session_token,
                expiration: expiration, account_id: @credentials.account_id, region: @credentials.region, source: @credentials.source }
            end

            private

            # Without a region known, the variables of the region stay as they are.
            def lines(set, unset = nil)
              region = { 'AWS_REGION' => @credentials.region, 'AWS_DEFAULT_REGION' => @credentials.region }.compact
              { 'AWS_ACCESS_KEY_ID' => @credentials.access_key_id, 'AWS_SECRET_ACCESS_KEY' => @credentials.secret_access_key,
                'AWS_SESSION_TOKEN' => @credentials.session_token, 'AWS_CREDENTIAL_EXPIRATION' => expiration, **region }.filter_map do |name, value|
                value ? set.call(name, value) : unset&.call(name)
              end.join("\n")
            end

            def one_line(value)
              return value unless value.match?(/[\r\n]/)

              raise ConfigurationError, 'The credentials have a line break, which this format cannot hold. Take --format env or json.'
            end

            # A newer docker takes quotes around a value away, an older one does not.
            def unquoted(value)
              return value unless value.match?(/\A(["']).*\1\z/)

              raise ConfigurationError, 'The credentials stand in quotes, which not every docker takes as part of them. Take --format env or json.'
            end

            # Blanks at either end are cut off, and with some SDKs also what looks like a comment.
            def whole(value)
              return value unless value.match?(/\A[\s#;]|\s\z|\s[#;]/)

              raise ConfigurationError, 'The credentials have blanks or a comment mark that a profile cannot hold. Take --format env or json.'
            end

            def expiration = Internal::Utc.text(@credentials.expiration)
          end
        end
      end
    end
  end
end
