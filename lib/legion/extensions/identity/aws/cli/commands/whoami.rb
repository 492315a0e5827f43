# frozen_string_literal: true

require_relative '../command'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws whoami`
          #
          # @api private
          class Whoami < Command
            # (see Command::SUMMARY)
            SUMMARY = 'who AWS says this machine is'
            # (see Command::POSITION)
            POSITION = 1

            # (see Command#declare)
            def declare(options)
              form_options(options)
              session_options(options)
            end

            private

            def run
              identity = session.identity
              output.json? ? output.json(identity.to_h) : output.pairs(lines(identity))
              :done
            end

            def lines(identity)
              { 'arn' => identity.arn, 'canonical name' => identity.canonical_name, 'kind' => identity.kind, 'account' => identity.account,
                'role' => identity.role, 'session' => identity.session_name, 'user id' => identity.user_id, 'region' => identity.region,
                'credentials' => identity.source }
            end
          end
        end
      end
    end
  end
end
