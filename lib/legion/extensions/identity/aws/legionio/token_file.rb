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
            # @param path [String] absolute
            # @param token [Token] a Token, since error trackers collect the arguments of the frames that raise
            # @return [void]
            # @raise [ConfigurationError] where it cannot be written
            def self.write(path, token)
              Internal::WholeFile.replace(path, 0o600) { |file| file.write(token.token) }
            rescue ::SystemCallError => e
              reason = e.class.name.split('::').last
              raise ConfigurationError, "The token cannot be written to #{path}: #{reason}. Give it a path in a folder that this process may write to."
            end
          end
        end
      end
    end
  end
end
