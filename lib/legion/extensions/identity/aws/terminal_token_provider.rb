# frozen_string_literal: true

require_relative 'errors'
require_relative 'internal/lazy'
require_relative 'internal/printable'

module Legion
  module Extensions
    module Identity
      module Aws
        # A `token_provider` that prompts for the MFA code on the terminal, without echo.
        #
        #   Session.new(profile: 'production', token_provider: TerminalTokenProvider.new)
        #
        # It uses the controlling terminal of the process, so standard input and output may be redirected.
        class TerminalTokenProvider
          # @param serial_number [String] of the MFA device
          # @return [String, nil] the line that was typed; nil at the end of input
          # @raise [NoCredentialsError] if the process has no terminal
          # @raise [Error] in a trap handler, if Ruby's io/console is not loaded yet
          def call(serial_number)
            Internal::Lazy.require('io/console') unless ::IO.respond_to?(:console)
            serial_number = Internal::Printable.line(serial_number)
            terminal = ::IO.console
            unless terminal
              raise NoCredentialsError, "The MFA code of #{serial_number} cannot be asked for: this process has no terminal. " \
                                        'Run it in one, or give the session a token_provider that gets the code elsewhere.'
            end

            ask(terminal, "MFA code of #{serial_number}: ")
          end

          private

          # Not IO#getpass: it prints the prompt before it turns the echo off, so a code that is typed or sent at once is shown.
          def ask(terminal, question)
            terminal.noecho do |silent|
              silent.print(question)
              silent.flush
              typed = silent.gets
              silent.puts
              typed&.chomp
            end
          end
        end
      end
    end
  end
end
