# frozen_string_literal: true

require_relative '../internal/secret'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # LegionIO's settings files, read without LegionIO: as legion-settings merges them, and without what else it does at a load
          # (DNS look-ups, log lines, references resolved).
          #
          # @api private
          class SettingsFiles
            # Bytes. A longer file is no settings file.
            MOST = 16 * 1024 * 1024
            private_constant :MOST

            # @return [Hash{String => String}] files that could not be read, and why
            attr_reader :unreadable
            # @return [Array<String>] files that were read, in their order
            attr_reader :files

            # The folders legion-settings looks into.
            #
            # @return [Array<String>]
            def self.folders
              named = ::ENV.fetch('LEGION_SETTINGS_DIRS', '').split(::File::PATH_SEPARATOR).map(&:strip).reject(&:empty?)
              return named.map { |folder| ::File.expand_path(folder) } if named.any?

              ['~/.legionio/settings', '/etc/legionio/settings'].filter_map { |folder| expanded(folder) }
            end

            # @param folder [String]
            # @return [String, nil] nil where there is no home
            def self.expanded(folder)
              ::File.expand_path(folder)
            rescue ::ArgumentError => _e
              nil
            end
            private_class_method :expanded

            # @param path [String]
            # @return [Internal::Secret] a Hash
            # @raise [TypeError] where the file holds no JSON object
            # @raise [JSON::ParserError, EncodingError, ArgumentError] where it is no JSON; the message quotes the file
            # @raise [SystemCallError]
            def self.content_of(path)
              require 'json'
              content = Internal::Secret.new(::JSON.parse(text_of(path)))
              raise ::TypeError, 'it is no JSON object' unless content.value.is_a?(::Hash)

              content
            end

            # What a file says. It is opened without waiting, because to open a FIFO would wait for its writer, and judged when it is open.
            #
            # @param path [String]
            # @return [String] without byte order mark
            # @raise [TypeError] where it is no regular file, or too long
            # @raise [SystemCallError]
            def self.text_of(path)
              ::File.open(path, ::File::RDONLY | ::File::NONBLOCK | ::File::BINARY) do |file|
                raise ::TypeError, 'it is no regular file' unless file.stat.file?
                raise ::TypeError, "it is longer than #{MOST} bytes" if file.size > MOST

                file.read(MOST).to_s.force_encoding(::Encoding::UTF_8).delete_prefix("\uFEFF")
              end
            end

            # @param folders [Array<String>]
            # @param pattern [String] of the files in them
            def initialize(folders = self.class.folders, pattern = '**/*.json')
              @folders = folders
              @unreadable = {}
              @files = []
              paths = folders.flat_map { |folder| ::Dir.glob(pattern, base: folder).map { |name| ::File.join(folder, name) } }
              contents = paths.filter_map { |path| read(path) }
              @settings = Internal::Secret.new(contents.map(&:value).reduce { |below, above| merge(below, above) } || {})
            end

            # @return [Internal::Secret] a Hash, of all files together
            attr_reader :settings

            # @return [Internal::Secret, nil] what they say under `identity.aws`; the core refuses what is no Hash
            def identity_aws
              identity = @settings.part('identity')
              found = identity.value.is_a?(::Hash) ? identity.part('aws') : identity
              found unless found.value.nil?
            end

            # Where a file of our own goes.
            #
            # @return [String, nil]
            def target = @folders.first && ::File.join(@folders.first, 'lex-identity-aws.json')

            private

            # @return [Internal::Secret, nil] a Hash; nil where it cannot be read
            def read(path)
              content = self.class.content_of(path)
              @files << path
              content
            rescue ::SystemCallError => e
              unread(path, e.class.name.split('::').last)
            rescue ::JSON::ParserError => _e # its message quotes the file
              unread(path, ['it is no JSON', broken_line(path)].compact.join(', line '))
            rescue ::EncodingError, ::ArgumentError => _e
              unread(path, 'it is no JSON')
            rescue ::TypeError => e
              unread(path, e.message)
            end

            # The line that is no JSON. Ruby's own library says it in newer versions only, so nothing does where ours is not loaded.
            #
            # @return [Integer, nil]
            def broken_line(path)
              Internal::Native.broken_json_line(self.class.text_of(path)) if defined?(Internal::Native) && Internal::Native.respond_to?(:broken_json_line)
            rescue ::StandardError => _e # another file stands there by now
              nil
            end

            def unread(path, why)
              @unreadable[path] = why
              nil
            end

            def merge(below, above)
              below.merge(above) do |_, old, new|
                if old.is_a?(::Hash) && new.is_a?(::Hash)
                  merge(old, new)
                elsif old.is_a?(::Array) && new.is_a?(::Array)
                  (old + new).uniq
                else
                  new
                end
              end
            end
          end
        end
      end
    end
  end
end
