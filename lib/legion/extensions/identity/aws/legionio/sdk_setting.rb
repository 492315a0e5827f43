# frozen_string_literal: true

require_relative '../internal/lazy'
require_relative 'runtime'
require_relative 'switches'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # `identity.aws.sdk_default: true`: clients of aws-sdk-ruby that other extensions make without credentials get those of this process.
          #
          # @api private
          class SdkSetting
            # @param credentials [RefreshingCredentials] of the process
            def initialize(credentials)
              @credentials = credentials
            end

            # Loads aws-sdk-core where the setting says so. What stands in the way is logged once.
            #
            # @return [void]
            def apply
              Internal::Lazy.load(Internal, :SdkDefault).follow { @credentials if wanted? } if wanted?
            end

            private

            # Read at each use, so a setting that is taken away is heeded at once.
            def wanted? = Switches.on?(:sdk_default) && Runtime.enabled?
          end
        end
      end
    end
  end
end
