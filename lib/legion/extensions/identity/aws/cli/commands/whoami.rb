# frozen_string_literal: true

require 'shellwords'
require_relative '../../legionio/roles'
require_relative '../command'
require_relative '../identity_list'

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
            # Seconds for the requests of each row at most. A limit also has a credential_process run without the terminal, as in LegionIO.
            LIMIT = 30.0
            private_constant :LIMIT

            # (see Command#declare)
            def declare(options)
              options.on('--qualifier NAME', 'who this one of identity.aws.roles would be') { |name| @qualifier = name }
              options.on('--all', 'who each profile and each of identity.aws.roles would be; no MFA code is asked for') { @all = true }
              form_options(options)
              session_options(options)
            end

            private

            def run
              check_choice
              return everyone if @all

              identity = session_in_question.identity
              output.json? ? output.json(identity.to_h) : output.pairs(lines(identity))
              :done
            end

            def check_choice
              chosen = { '--qualifier' => @qualifier, '--all' => @all }.compact.keys
              chosen += SessionOptions.chosen(@session_options) if chosen.any?
              raise ::ArgumentError, "#{chosen.join(' and ')} cannot be used together: each says whose identity is meant." if chosen.size > 1
            end

            def session_in_question
              qualifier = @qualifier
              name = qualifier && Aws::LegionIO::Roles.named(qualifier, settings)
              name ? session_of(options_of_role(name) { session }) : session
            end

            # `identity.aws` of LegionIO's settings files.
            def settings = settings_files&.identity_aws

            # The options of the command line win.
            def options_of_role(name, &)
              Internal::Secret.new({ **Aws::LegionIO::Roles.options(name, settings, &).value, **@session_options.value })
            end

            def everyone
              rows = identities.rows
              return output.json(rows.map(&:to_h)) || :done if output.json?

              output.table(%w[KIND NAME IDENTITY], rows.map { |row| [row.kind, row.name, row.identity&.arn || "failed: #{row.error}"] })
              :done
            end

            def identities
              list = IdentityList.new
              list.add('default', '') { session_without_prompt(@session_options) }
              Aws.profiles.each do |profile|
                words = ['--profile', profile.name]
                options = Internal::Secret.new({ **@session_options.value, profile: profile.name })
                list.add('profile', profile.name, profile.reason) { session_without_prompt(options, *words) }
              end
              Aws::LegionIO::Roles.names(settings).map(&:to_s).each do |name|
                words = ['--qualifier', name]
                list.add('role', name) do
                  session_without_prompt(options_of_role(name.to_sym) { session_without_prompt(@session_options, *words) }, *words)
                end
              end
              list
            end

            # @param words the options of whoami that ask for the same identity alone
            def session_without_prompt(options, *words)
              alone = ::Shellwords.join(['lex-identity-aws', 'whoami', *words])
              prompt = NoPrompt.new('--all asks for none', "Run #{alone} in a terminal.")
              options = Internal::Secret.new({ **options.value, token_provider: prompt })
              Session.from_layers(Internal::Layers.of(options, settings: settings, deadline_cap: LIMIT))
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
