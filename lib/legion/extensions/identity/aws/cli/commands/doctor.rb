# frozen_string_literal: true

require_relative '../command'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws doctor`
          #
          # @api private
          class Doctor < Command
            # (see Command::SUMMARY)
            SUMMARY = 'what stands between this machine and its identity'
            # (see Command::POSITION)
            POSITION = 2
            # (see Command::TEXT_IN_PIPES)
            TEXT_IN_PIPES = true
            # (see Command::WITHOUT_LIBRARY)
            WITHOUT_LIBRARY = true

            # (see Command#declare)
            def declare(options)
              options.on('--assume', 'really assume the roles; else they are only shown') { @assume = true }
              form_options(options)
              session_options(options)
            end

            private

            def run
              require_relative '../../doctor'
              report = Aws::Doctor.examine(@session_options, assume: @assume || false, settings_files: settings_files, library_error: @library_error)
              output.json? ? output.json(report.to_h) : output.text(report.to_s)
              return :library if @library_error

              report.ok? ? :done : :failed
            end
          end
        end
      end
    end
  end
end
