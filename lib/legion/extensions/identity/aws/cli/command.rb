# frozen_string_literal: true

require_relative '../legionio/settings_files'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # What the commands have in common.
          #
          # @api private
          class Command
            # @param arguments [Arguments]
            # @param output [Output]
            # @param stdin [IO]
            # @param library_error [LoadError, nil]
            def initialize(arguments, output, stdin, library_error)
              @arguments = arguments
              @output = output
              @stdin = stdin
              @library_error = library_error
            end

            private

            attr_reader :arguments, :output

            # LegionIO's settings files, unless they are to be left out.
            def settings_files
              @settings_files ||= Aws::LegionIO::SettingsFiles.new if arguments.legionio
            end

            # The session LegionIO would make here, with the options of the command line on top.
            def session
              @session ||= begin
                layers = Internal::Layers.of({ token_provider: token_provider, **arguments.session })
                layers[:settings] = settings_files&.identity_aws
                session = Session.from_layers(layers)
                session.warnings.each { |warning| output.note("lex-identity-aws: #{warning}") }
                session
              end
            end

            # A person can be asked for an MFA code only where one types. A credential_process is none of those places.
            def token_provider
              TerminalTokenProvider.new if @stdin.tty?
            end
          end
        end
      end
    end
  end
end
