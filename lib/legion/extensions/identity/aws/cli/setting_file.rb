# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # A settings file of our own, among LegionIO's: those of others are never written.
          #
          # @api private
          class SettingFile
            # @param path [String]
            def initialize(path)
              @path = path
            end

            # Adds what is not there yet, and keeps what is. All of the new file or all of the old one, whatever happens.
            #
            # @param setting [Hash{String => Object}]
            # @return [void]
            # @raise [ConfigurationError]
            def add(setting)
              require 'fileutils'
              require 'json'
              ::FileUtils.mkdir_p(::File.dirname(@path), mode: 0o700)
              replace(::JSON.pretty_generate(merge(content, setting)))
            rescue ::SystemCallError => e
              raise ConfigurationError, "#{@path} cannot be written (#{e.class.name.split('::').last}). Write it as a user who may, or by hand: " \
                                        "#{::JSON.generate(setting)}"
            end

            private

            def content
              return {} unless ::File.exist?(@path)

              found = ::JSON.parse(::File.read(@path, encoding: 'bom|utf-8'))
              found.is_a?(::Hash) ? found : raise(::JSON::ParserError)
            rescue ::JSON::ParserError => _e # its message quotes the file
              raise ConfigurationError, "#{@path} is no JSON object, so nothing is added to it. Correct or remove it."
            end

            def merge(there, new)
              there.merge(new) { |_, found, wanted| found.is_a?(::Hash) && wanted.is_a?(::Hash) ? merge(found, wanted) : found }
            end

            def replace(text)
              temporary = "#{@path}.#{::Process.pid}.new"
              mode = ::File.exist?(@path) ? ::File.stat(@path).mode & 0o777 : 0o600
              ::File.open(temporary, ::File::WRONLY | ::File::CREAT | ::File::EXCL, mode) do |file|
                file.puts(text)
                file.fsync
              end
              ::File.rename(temporary, @path)
            ensure
              ::FileUtils.rm_f(temporary)
            end
          end
        end
      end
    end
  end
end
