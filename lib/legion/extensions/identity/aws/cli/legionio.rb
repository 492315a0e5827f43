# frozen_string_literal: true

require_relative '../legionio/legion_phase'
require_relative 'command'
require_relative 'setting_file'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws legionio`
          #
          # @api private
          class LegionIO < Command
            # @return [Symbol] a key of {STATUS}
            def run
              files = Aws::LegionIO::SettingsFiles.new
              phase = Aws::LegionIO::LegionPhase.new(files.settings)
              written, files, phase = write(files, phase) if arguments.write
              output.json? ? output.json(data(files, phase, written)) : tell(files, phase, written)
              arguments.write && !phase.zero? ? :configuration : :done
            end

            private

            def write(files, phase)
              return [nil, files, phase] if phase.zero?

              target = files.target
              raise ConfigurationError, 'There is no folder for settings of LegionIO: neither HOME nor LEGION_SETTINGS_DIRS is set.' unless target

              SettingFile.new(target).add(Aws::LegionIO::LegionPhase::SETTING)
              after = Aws::LegionIO::SettingsFiles.new
              [target, after, Aws::LegionIO::LegionPhase.new(after.settings)]
            end

            def data(files, phase, written)
              { phase: phase.phase, reason: phase.reason, setting: Aws::LegionIO::LegionPhase::SETTING, written: written, files: files.files,
                unreadable: files.unreadable, settings: in_force }
            end

            def tell(files, phase, written)
              output.print("Written: #{written}") if written
              output.print("LegionIO #{phase.phase ? "loads this gem in phase #{phase.phase}" : 'does not use this gem'}: #{phase.reason}.")
              unless phase.zero? || phase.phase.nil?
                output.print("The setting that makes it phase 0 (--write adds it): #{Aws::LegionIO::LegionPhase.setting_as_json}")
              end
              files.unreadable.each { |path, why| output.print("Left out, also by LegionIO: #{path} (#{why})") }
              output.print("\nSettings in force#{" (from #{files.files.join(', ')} and the environment)" if files.files.any?}")
              output.pairs(in_force.to_h { |name, setting| [name.to_s, told(setting)] })
            end

            def told(setting) = setting[:value].nil? ? nil : "#{setting[:value]} (#{setting[:origin]})"

            def in_force
              @in_force ||= session.settings
            rescue ConfigurationError => e # the phase is worth knowing all the same
              output.note("The settings cannot be used: #{e.message}")
              @in_force = {}
            end
          end
        end
      end
    end
  end
end
