# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/whole_file'
require_relative 'phase_zero'
require_relative 'settings_files'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Writes {PhaseZero}'s entry into a settings file.
          #
          # @api private
          module PhaseZeroFile
            class << self
              # Adds the entry to a settings file. What the file holds already stays.
              #
              # @param path [String, nil] of a file that need not be there; nil where there is no folder for it
              # @return [String] the path
              # @raise [ConfigurationError]
              def write(path)
                require 'fileutils'
                require 'json'
                raise ConfigurationError, 'There is no folder for settings of LegionIO: neither HOME nor LEGION_SETTINGS_DIRS is set.' unless path

                ::FileUtils.mkdir_p(::File.dirname(path), mode: 0o700)
                replace(path, Internal::Secret.new(::JSON.pretty_generate(merge(content(path), PhaseZero::ENTRY))))
                path
              rescue ::SystemCallError => e
                raise ConfigurationError, "#{path} cannot be written (#{e.class.name.split('::').last}). Write it as a user who may, or by hand: " \
                                          "#{PhaseZero.json}"
              rescue ::JSON::JSONError, ::EncodingError, ::ArgumentError, ::TypeError => _e
                # Without a cause, since JSON's own quotes the file.
                raise ConfigurationError, "#{path} is no JSON object, so nothing is added to it. Correct or remove it.", cause: nil
              end

              private

              def content(path) = ::File.exist?(path) ? SettingsFiles.content_of(path).value : {}

              def merge(there, new)
                there.merge(new) { |_, found, wanted| found.is_a?(::Hash) && wanted.is_a?(::Hash) ? merge(found, wanted) : found }
              end

              def replace(path, text)
                mode = ::File.exist?(path) ? ::File.stat(path).mode & 0o777 : 0o600
                Internal::WholeFile.replace(path, mode) do |file|
                  file.puts(text.value)
                  file.fsync
                end
              end
            end
          end
        end
      end
    end
  end
end
