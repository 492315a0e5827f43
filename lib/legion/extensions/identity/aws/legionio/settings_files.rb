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
            # @param environment [Hash{String => String}]
            # @return [Array<String>]
            def self.folders(environment = ENV)
              named = environment['LEGION_SETTINGS_DIRS'].to_s.split(::File::PATH_SEPARATOR).map(&:strip).reject(&:empty?)
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
            def initialize(folders = self.class.folders)
              @folders = folders
              @unreadable = {}
              @files = []
              @settings = Internal::Secret.new({})
              folders.flat_map { |folder| ::Dir.glob(::File.join(folder, '**', '*.json')) }.each { |path| add(read(path)) }
            end

            # @return [Hash{String => Object}] of all files together
            def settings = @settings.value

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

            def read(path)
              require 'json'
              content = Internal::Secret.new(::JSON.parse(self.class.text_of(path)))
              raise ::TypeError, 'it is no JSON object' unless content.value.is_a?(::Hash)

              @files << path
              content
            rescue ::SystemCallError => e
              unread(path, e.class.name.split('::').last)
            rescue ::JSON::ParserError, ::EncodingError, ::ArgumentError => _e # its message quotes the file
              unread(path, 'it is no JSON')
            rescue ::TypeError => e
              unread(path, e.message)
            end

            def unread(path, why)
              @unreadable[path] = why
              Internal::Secret.new({})
            end

            def add(content)
              @settings = Internal::Secret.new(merge(@settings.value, content.value))
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
