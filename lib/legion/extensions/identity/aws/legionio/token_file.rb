# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/whole_file'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # The file of a token, for programs that read one.
          #
          # @api private
          module TokenFile
            MODE = 0o600
            OTHERS_WRITE = 0o022
            STICKY = 0o1000
            private_constant :MODE, :OTHERS_WRITE, :STICKY

            # @param path [String] absolute
            # @param token [Token] a Token, since error trackers collect the arguments of the frames that raise
            # @return [void]
            # @raise [ConfigurationError] where it cannot be written
            def self.write(path, token)
              Internal::WholeFile.replace(path, MODE) { |file| file.write(token.token) }
            rescue ::SystemCallError => e
              reason = e.class.name.split('::').last
              raise ConfigurationError, "The token cannot be written to #{path}: #{reason}. Give it a path in a folder that this process may write to."
            end

            class << self
              # Looks, and writes nothing.
              #
              # @param path [String] absolute
              # @return [String, nil] why {.write} would fail
              def obstacle(path)
                folder = ::File.dirname(path)
                return "#{path} is a folder" if ::File.directory?(path)
                return "#{folder} is no folder that this user can see" unless ::File.directory?(folder)
                return "this user may not write to #{folder}" unless ::File.writable?(folder) && ::File.executable?(folder)

                "#{path} belongs to another user, and #{folder} lets each user replace its own files only" if foreign?(path, folder)
              end

              # @param path [String] absolute; without {.obstacle}
              # @return [String, nil] what is odd about the file or its folder
              def oddity(path)
                folder = ::File.dirname(path)
                mode = ::File.stat(folder).mode
                return "others may write to #{folder} (mode #{octal(mode)}), and so put a token of theirs in its place" if open?(mode)

                return "#{path} is a symbolic link, and each renewal puts a file in its place" if ::File.symlink?(path)

                return unless ::File.exist?(path)

                mode = ::File.stat(path).mode
                "#{path} has mode #{octal(mode)}, and each renewal makes it #{octal(MODE)}" if mode & 0o777 != MODE
              end

              private

              def open?(mode) = mode.anybits?(OTHERS_WRITE) && mode.nobits?(STICKY)

              def foreign?(path, folder)
                return false unless ::File.stat(folder).sticky? && !::File.owned?(folder)

                ::File.lstat(path).uid != ::Process.euid && ::Process.euid.positive?
              rescue ::Errno::ENOENT => _e # no such file yet
                false
              end

              def octal(mode) = format('%04o', mode & 0o7777)
            end
          end
        end
      end
    end
  end
end
