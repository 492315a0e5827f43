# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        # The version of the gem, of its native library and of the core.
        VERSION = '0.2.0'
      end
    end
  end
end
