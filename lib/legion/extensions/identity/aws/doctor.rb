# frozen_string_literal: true

require_relative 'doctor/finding'
require_relative 'doctor/legionio'
require_relative 'doctor/library'
require_relative 'doctor/report'
require_relative 'doctor/sdk'
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
            # @param library_error [LoadError, nil] why the native library cannot be loaded
            # @return [Report]
            def examine(options, assume: false, settings_files: nil, library_error: nil)
              library = Library.new(library_error).findings
              in_aws = library_error ? not_run : in_aws(options, settings_files, assume)
              Report.new(library + in_aws + Sdk.new.findings + LegionIO.new(settings_files).findings)
            end

            private

            def in_aws(options, settings_files, assume)
              settings = settings_files ? settings_files.identity_aws : Internal::Layers.identity_aws
              layers = Internal::Layers.of(options, settings: settings, deadline_cap: Internal::Layers.deadline_cap)
              _, layers = Internal::Layers.callbacks_out_of(layers)
              examined(layers, assume)
            end

            def examined(layers, assume)
              Internal::OwnThread.wait { Internal::Native.doctor(Internal::Layers.opened(layers), assume) }.map { |fields| Finding.new(**fields) }
            rescue ::StandardError => e
              [Finding.of('settings', 'examination', "it was given up: #{e.message}", status: :fail,
                                                                                      remedy: 'Run it again; if it stays, report it with this text.')]
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
