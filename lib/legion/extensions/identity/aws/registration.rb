# frozen_string_literal: true

require_relative 'identity'
require_relative 'log'

module Legion
  module Extensions
    module Identity
      module Aws
        # Makes {Identity} known to LegionIO, which looks for providers nowhere. Where LegionIO is absent nothing happens.
        #
        # @api private
        module Registration
          LOCK = ::Mutex.new
          private_constant :LOCK

          # Once is enough, however often it is called: LegionIO loads up to 24 extensions at a time, and builds this one twice where
          # lex-identity is installed.
          #
          # @return [void]
          def self.register
            LOCK.synchronize do
              if defined?(::Legion::Identity::Resolver)
                ::Legion::Identity::Resolver.register(Identity)
              elsif defined?(::Legion::Identity) && ::Legion::Identity.respond_to?(:pending_registrations)
                waiting = ::Legion::Identity.pending_registrations
                waiting.push(Identity) unless waiting.nil? || waiting.include?(Identity)
              end
            end
            nil
          rescue ::StandardError => e # the next autobuild tries again
            Log.new.warn("cannot register with LegionIO: #{e.class}: #{e.message}")
            nil
          end
        end
      end
    end
  end
end
