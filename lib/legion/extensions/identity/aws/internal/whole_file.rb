# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Replaces a file as a whole, so that a reader finds the old content or the new one, never a part.
          #
          # @api private
          module WholeFile
            # @param path [String]
            # @param mode [Integer]
            # @yieldparam file [File] takes the new content
            # @return [void]
            # @raise [SystemCallError]
            def self.replace(path, mode, &)
              # In the same folder, since a file can only be renamed within its file system. The name is one that nobody else can have made.
              fresh = ::File.join(::File.dirname(path), ".#{::File.basename(path)}.#{::Process.pid}.#{::Random.urandom(8).unpack1('H*')}")
              ::File.open(fresh, ::File::WRONLY | ::File::CREAT | ::File::EXCL, mode, &)
              ::File.rename(fresh, path)
              fresh = nil
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
