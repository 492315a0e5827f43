# frozen_string_literal: true

require_relative '../../legionio/installed'
require_relative '../../legionio/phase_zero_file'
require_relative '../command'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws legionio`
          #
          # @api private
          class LegionIO < Command
            # (see Command::SUMMARY)
            SUMMARY = "LegionIO's settings files, what they say of AWS, and the entry for phase 0"
            # (see Command::POSITION)
            POSITION = 8
            # (see Command::TEXT_IN_PIPES)
            TEXT_IN_PIPES = true

            # (see Command#declare)
            def declare(options)
              options.on('--write', 'write the entry for phase 0 into a settings file of its own') { @write = true }
              form_options(options)
              session_options(options)
            end

            private

            def run
              files = Aws::LegionIO::SettingsFiles.new
              if @write && !phase_zero?(files)
                written = Aws::LegionIO::PhaseZeroFile.write(files.target)
                files = Aws::LegionIO::SettingsFiles.new
              end
              output.json? ? output.json(data(files, written)) : tell(files, written)
              return :done unless @write && !phase_zero?(files)

              output.note("The entry is in #{files.target}, and a settings file that is merged later says otherwise.")
              :configuration
            end

            def phase_zero?(files) = Aws::LegionIO::PhaseZero.in?(files.settings)

            def data(files, written)
              { files: files.files, unreadable: files.unreadable, identity_aws: keys_in(files), file: files.target, exists: exists?(files),
                phase_zero: phase_zero?(files), setting: Aws::LegionIO::PhaseZero::ENTRY, written: written, settings: in_force,
                legionio: installed }
            end

            def installed = @installed ||= Aws::LegionIO::Installed.versions

            def exists?(files) = ::File.exist?(files.target.to_s)

            def tell(files, written)
              output.text("Written: #{written}") if written
              output.text("LegionIO: #{installed.empty? ? 'the gem legionio is not installed for this Ruby' : installed.join(', ')}")
              output.text("Settings files of LegionIO: #{list(files.files)}")
              files.unreadable.each { |path, why| output.text("Left out: #{path} (#{why})") }
              output.text("Keys under identity.aws in them: #{list(keys_in(files))}")
              output.text("File of this gem: #{files.target || 'none'}#{' (does not exist)' unless exists?(files)}")
              output.text("Entry for phase 0: #{phase_zero?(files) ? 'in them' : "not in them (--write writes it): #{Aws::LegionIO::PhaseZero.json}"}")
              output.text("\nSettings in force")
              output.pairs(in_force.to_h { |name, setting| [name.to_s, told(setting)] })
            end

            def keys_in(files)
              found = files.identity_aws&.value
              found.is_a?(::Hash) ? found.keys : []
            end

            def list(items) = items.empty? ? 'none' : items.map { |item| Internal::Printable.line(item) }.join(', ')

            def told(setting) = setting[:value].nil? ? nil : "#{setting[:value]} (#{setting[:origin]})"

            def in_force
              @in_force ||= session.settings.except(:token_provider) # of this program, not of LegionIO
            rescue ConfigurationError => e # the rest of the answer does not depend on them
              output.note("The settings cannot be used: #{e.message}")
              @in_force = {}
            end
          end
        end
      end
    end
  end
end
