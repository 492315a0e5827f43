# frozen_string_literal: true

require_relative '../doctor'
require_relative 'command'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws doctor`
          #
          # @api private
          class Doctor < Command
            # @return [Symbol] a key of {STATUS}
            def run
              report = Aws::Doctor.examine(assume: arguments.assume, settings_files: settings_files, library_error: @library_error, **arguments.session)
              output.json? ? output.json(report.to_h) : output.print(report.to_s)
              return :library if @library_error

              report.ok? ? :done : :failed
            end
          end
        end
      end
    end
  end
end
