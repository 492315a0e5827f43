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
              options.on('--fix', "mend what is ours to mend: modes of this user's files, the entry for phase 0") { @fix = true }
              form_options(options)
              session_options(options)
            end

            private

            def run
              require_relative '../../doctor'
              report = @fix ? examine(fix) : examine([])
              output.json? ? output.json(report.to_h) : output.text(report.to_s)
              return :library if @library_error

              report.ok? ? :done : :failed
            end

            # What it changed is looked at again.
            def fix
              fixes = Aws::Doctor.fix(@session_options, settings_files: settings_files, library_error: @library_error)
              @settings_files = Aws::LegionIO::SettingsFiles.new if @legionio
              fixes
            end

            def examine(fixes)
              report = Aws::Doctor.examine(options, assume: @assume || false, settings_files: settings_files, program: true, library_error: @library_error)
              Aws::Doctor::Report.new(fixes + report.findings)
            end

            # Without a terminal there is no token_provider, so that the report says so.
            def options
              return @session_options if @library_error || !@stdin.tty?

              Internal::Secret.new({ token_provider: token_provider, **@session_options.value })
            end
          end
        end
      end
    end
  end
end
