# frozen_string_literal: true

require_relative 'errors'
require_relative 'internal/lazy'
require_relative 'internal/printable'
require_relative 'internal/secret'

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
          # @return [String] the line that was typed
          # @raise [NoCredentialsError] if the process has no terminal; if nothing is typed, or Ctrl-D
          # @raise [Error] in a trap handler, if Ruby's io/console is not loaded yet
          def call(serial_number)
            Internal::Lazy.require('io/console') unless ::IO.respond_to?(:console)
            serial_number = Internal::Printable.line(serial_number)
            terminal = ::IO.console
            unless terminal
              raise NoCredentialsError, "The MFA code of #{serial_number} cannot be asked for: this process has no terminal. " \
                                        'Run it in one, or give the session a token_provider that gets the code elsewhere.'
            end

            typed = ask(terminal, "MFA code of #{serial_number}: ")
            return typed.value.chomp unless typed.blank?

            raise NoCredentialsError, "No MFA code was typed. Try again with the six digits that the device #{serial_number} shows."
          end

          private

          # Not IO#getpass: it prints the prompt before it turns the echo off, so a code that is typed or sent at once is shown.
          def ask(terminal, question)
            terminal.noecho do |silent|
              silent.print(question)
              silent.flush
              typed = Internal::Secret.new(silent.gets&.scrub)
              silent.puts # fails where the terminal is gone
              typed
            end
          end
        end
      end
    end
  end
end
