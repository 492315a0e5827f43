# frozen_string_literal: true

require_relative 'errors'

module Legion
  module Extensions
    module Identity
      module Aws
        # A `token_provider` that asks whoever sits at the terminal, and shows nothing of what is typed.
        #
        #   Session.new(profile: 'production', token_provider: TerminalTokenProvider.new)
        #
        # It talks with the terminal that controls the process, so input and output may be redirected.
        class TerminalTokenProvider
          # @param serial_number [String] of the MFA device
          # @return [String, nil] what was typed; nil for none
          # @raise [NoCredentialsError] where there is no terminal
          def call(serial_number)
            require 'io/console'
            terminal = ::IO.console
            unless terminal
              raise NoCredentialsError, "The MFA code of #{serial_number} cannot be asked for: this process has no terminal. " \
                                        'Run it in one, or give the session a token_provider that gets the code elsewhere.'
            end

            ask(terminal, "MFA code of #{serial_number}: ")
          end

          private

          # IO#getpass asks first and turns the echo off then: who is quick, or a program, is seen.
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
