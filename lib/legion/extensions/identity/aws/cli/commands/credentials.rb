# frozen_string_literal: true

require_relative '../command'
require_relative '../export_formats'

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
              options.on('--format FORMAT', ExportFormats::ALL.keys, *ExportFormats::ALL.map { |format, purpose| "#{format}: #{purpose}" }) do |format|
                @format = format
              end
              options.on('--json', 'the same as --format json') { @format = 'json' }
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
              credentials.expiration || (credentials.keys[:session_token] ? 'at a time that is not known' : 'never')
            end

            def hand_out(credentials)
              exported = ExportFormats.new(credentials, @session_options.part(:profile).value).to(@format || 'env')
              exported.is_a?(::Hash) ? output.json(exported) : output.print(exported)
            end
          end
        end
      end
    end
  end
end
