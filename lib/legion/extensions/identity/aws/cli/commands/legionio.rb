# frozen_string_literal: true

require_relative '../../internal/whole_file'
require_relative '../../legionio/phase_zero'
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
            POSITION = 7
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
                written = write(files.target)
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
                phase_zero: phase_zero?(files), setting: Aws::LegionIO::PhaseZero::ENTRY, written: written, settings: in_force }
            end

            def exists?(files) = ::File.exist?(files.target.to_s)

            def tell(files, written)
              output.text("Written: #{written}") if written
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
              @in_force ||= session.settings
            rescue ConfigurationError => e # the rest of the answer does not depend on them
              output.note("The settings cannot be used: #{e.message}")
              @in_force = {}
            end

            # Adds the entry to the file of this gem. What the file holds already stays.
            def write(path)
              raise ConfigurationError, 'There is no folder for settings of LegionIO: neither HOME nor LEGION_SETTINGS_DIRS is set.' unless path

              require 'fileutils'
              require 'json'
              ::FileUtils.mkdir_p(::File.dirname(path), mode: 0o700)
              replace(path, ::JSON.pretty_generate(merge(content(path), Aws::LegionIO::PhaseZero::ENTRY)))
              path
            rescue ::SystemCallError => e
              raise ConfigurationError, "#{path} cannot be written (#{e.class.name.split('::').last}). Write it as a user who may, or by hand: " \
                                        "#{Aws::LegionIO::PhaseZero.json}"
            end

            def content(path)
              return {} unless ::File.exist?(path)

              found = ::JSON.parse(Aws::LegionIO::SettingsFiles.text_of(path))
              found.is_a?(::Hash) ? found : raise(::TypeError)
            rescue ::JSON::ParserError, ::TypeError => _e # a message of JSON quotes the file
              raise ConfigurationError, "#{path} is no JSON object, so nothing is added to it. Correct or remove it."
            end

            def merge(there, new)
              there.merge(new) { |_, found, wanted| found.is_a?(::Hash) && wanted.is_a?(::Hash) ? merge(found, wanted) : found }
            end

            def replace(path, text)
              mode = ::File.exist?(path) ? ::File.stat(path).mode & 0o777 : 0o600
              Internal::WholeFile.replace(path, mode) do |file|
                file.puts(text)
                file.fsync
              end
            end
          end
        end
      end
    end
  end
end
