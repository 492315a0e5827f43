# frozen_string_literal: true

require_relative '../legionio/phase_zero_file'
require_relative 'finding'
require_relative 'legionio'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # Mends what is ours to mend: what other users may do with this user's files that the doctor looks at, and the entry for phase 0 in
          # LegionIO's settings. It changes nothing else, and nothing a second time.
          #
          # @api private
          class Fix
            CHECK = 'fix'
            private_constant :CHECK

            # @param layers [Hash{Symbol => Object}, nil] see {Internal::Layers.of}; nil where the native library cannot be loaded
            # @param settings_files [Aws::LegionIO::SettingsFiles, nil] LegionIO's settings files
            def initialize(layers, settings_files)
              @layers = layers
              @settings_files = settings_files
            end

            # @return [Array<Finding>] each change under the name of its file; `:skipped` for what could not be changed
            def findings
              found = [*modes, *phase_zero]
              found.empty? ? [Finding.of(CHECK, CHECK, 'nothing here is for --fix to mend', status: :skipped)] : found
            end

            private

            def modes
              layers = @layers
              layers ? Internal::Native.mend(Internal::Layers.opened(layers)).map { |fields| Finding.new(**fields) } : []
            end

            def phase_zero
              return [] unless @settings_files

              legionio = LegionIO.new(@settings_files)
              return [] unless legionio.lacks_entry?

              path = legionio.files.target
              return [left(path, 'a settings file that is merged later says otherwise')] if path && entry_in?(path)

              [Finding.of(CHECK, Aws::LegionIO::PhaseZeroFile.write(path), 'written: the entry for phase 0')]
            rescue ConfigurationError => e
              [left(path, e.message)]
            end

            def entry_in?(path) = Aws::LegionIO::PhaseZero.in?(Aws::LegionIO::SettingsFiles.new([::File.dirname(path)], ::File.basename(path)).settings)

            def left(path, why) = Finding.of(CHECK, path || CHECK, "left as it is: #{why}", status: :skipped)
          end
        end
      end
    end
  end
end
