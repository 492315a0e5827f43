# frozen_string_literal: true

require_relative '../internal/printable'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # The `token_provider` where the program asks for no MFA code: it says how the code is asked for.
          #
          # @api private
          class NoPrompt
            # @param why [String] why it does not ask
            # @param remedy [String]
            def initialize(why, remedy)
              @why = why
              @remedy = remedy
            end

            # @param serial_number [String] of the MFA device
            # @return [void]
            # @raise [NoCredentialsError]
            def call(serial_number)
              raise NoCredentialsError, "The MFA code of #{Internal::Printable.line(serial_number)} is needed, and #{@why}. #{@remedy}"
            end
          end
        end
      end
    end
  end
end
