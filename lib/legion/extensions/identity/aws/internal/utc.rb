# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Times as AWS and LegionIO write them. Ruby's own `Time#iso8601` takes a library before 3.4.
          #
          # @api private
          module Utc
            # @param time [Time, nil]
            # @return [String, nil] ISO 8601 in UTC, to the second
            def self.text(time) = time&.getutc&.strftime('%FT%TZ')
          end
        end
      end
    end
  end
end
