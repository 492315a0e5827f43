# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # How long credentials last, in words.
          #
          # @api private
          module TimeLeft
            # @param expiration [Time]
            # @param now [Time]
            # @return [String] such as "41 min", "3 h 5 min" or "expired"
            def self.of(expiration, now = ::Time.now)
              seconds = (expiration - now).floor
              return 'expired' unless seconds.positive?
              return "#{seconds} s" if seconds < 60

              hours, minutes = (seconds / 60).divmod(60)
              hours.zero? ? "#{minutes} min" : "#{hours} h #{minutes} min"
            end
          end
        end
      end
    end
  end
end
