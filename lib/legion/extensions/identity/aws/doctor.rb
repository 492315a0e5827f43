# frozen_string_literal: true

require_relative 'doctor/examination'
require_relative 'doctor/finding'
require_relative 'doctor/fix'
require_relative 'doctor/legionio'
require_relative 'doctor/library'
require_relative 'doctor/report'
require_relative 'doctor/roles'
require_relative 'doctor/sdk'
require_relative 'doctor/tokens'
require_relative 'doctor/vault'
require_relative 'version'

module Legion
  module Extensions
    module Identity
      module Aws
        # The checks behind {Aws.doctor}.
        #
        # Loads without the native library, so that it can report why that cannot be loaded.
        #
        # @api private
        module Doctor
          # The checks that the native library makes.
          IN_AWS = %w[settings files sources network identity mfa role cache].freeze
          private_constant :IN_AWS

          class << self
            # @param options [Internal::Secret] a Hash, as for {Session#initialize}
            # @param assume [Boolean] whether to send a real AssumeRole for each role
            # @param settings_files [Aws::LegionIO::SettingsFiles, nil] LegionIO's settings files, whose `identity.aws` is used then
            # @param program [Boolean] whether the program asks for it, whose user reads of terminals rather than of options
            # @param library_error [LoadError, nil] why the native library cannot be loaded
            # @return [Report]
            def examine(options, assume: false, settings_files: nil, program: false, library_error: nil)
              library = Library.new(library_error).findings
              in_aws = library_error ? not_run : in_aws(options, settings_files, assume, program)
              Report.new(library + in_aws + Sdk.new.findings + LegionIO.new(settings_files).findings + Vault.new(settings_files&.identity_aws).findings)
            end

            # Mends what is ours to mend, see {Fix}.
            #
            # @param options [Internal::Secret] a Hash, as for {Session#initialize}
            # @param settings_files [Aws::LegionIO::SettingsFiles, nil] LegionIO's settings files
            # @param library_error [LoadError, nil] why the native library cannot be loaded
            # @return [Array<Finding>] what was changed, and what could not be
            def fix(options, settings_files: nil, library_error: nil)
              layers = Internal::Layers.of(options, settings: settings_files&.identity_aws) unless library_error
              Fix.new(layers, settings_files).findings
            end

            private

            def in_aws(options, settings_files, assume, program)
              settings = settings_files ? settings_files.identity_aws : Internal::Layers.identity_aws
              examination = Examination.new(settings, assume: assume, program: program)
              findings = switches(settings) + examination.findings(options)
              entries = [Roles, Tokens].flat_map { |kind| kind.new(settings, examination, options.value[:token_provider], assume: assume).findings }
              entries.empty? ? findings : findings.insert((findings.rindex { |found| found.check == 'role' } || -2) + 1, *entries)
            end

            def switches(settings)
              require_relative 'legionio/switches'
              what = Aws::LegionIO::Switches.problem(settings)
              what ? [Finding.of('settings', 'identity.aws', what, status: :warn, remedy: "Correct it in LegionIO's settings.")] : []
            end

            def not_run
              IN_AWS.map { |check| Finding.of(check, check, 'not run: it takes the native library', status: :skipped) }
            end
          end
        end
      end
    end
  end
end
