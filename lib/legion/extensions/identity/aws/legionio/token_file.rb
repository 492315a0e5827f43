# frozen_string_literal: true

require_relative '../errors'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # The file of a token, for programs that read one: replaced as a whole, so a reader sees the old token or the new one.
          #
          # @api private
          module TokenFile
            # @param path [String] absolute
            # @param token [Token] a Token, since error trackers collect the arguments of the frames that raise
            # @return [void]
            # @raise [ConfigurationError] where it cannot be written
            def self.write(path, token)
              # In the same folder, since a file can only be renamed within its file system. The name is one that nobody else can have made.
              fresh = ::File.join(::File.dirname(path), ".#{::File.basename(path)}.#{::Process.pid}.#{::Random.urandom(8).unpack1('H*')}")
              ::File.open(fresh, ::File::WRONLY | ::File::CREAT | ::File::EXCL, 0o600) { |file| file.write(token.token) }
              ::File.rename(fresh, path)
              fresh = nil
            rescue ::SystemCallError => e
              reason = e.class.name.split('::').last
              raise ConfigurationError, "The token cannot be written to #{path}: #{reason}. Give it a path in a folder that this process may write to."
            ensure
              remove(fresh) if fresh
            end

            def self.remove(path)
              ::File.unlink(path)
            rescue ::SystemCallError => _e # it was not made
              nil
            end
            private_class_method :remove
          end
        end
      end
    end
  end
end
