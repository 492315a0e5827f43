# frozen_string_literal: true

require_relative 'runtime'
require_relative 'identity'
require_relative '../internal/log'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Makes {Identity} and its profile known to LegionIO, which looks for providers nowhere. Where LegionIO is absent, or the settings
          # say `enabled: false`, nothing happens.
          #
          # @api private
          module Registration
            LOCK = ::Mutex.new
            private_constant :LOCK

            # Registers once, however often it is called: LegionIO loads up to 24 extensions at a time, and builds this one twice where
            # lex-identity is installed.
            #
            # @return [void]
            def self.register
              return unless Runtime.enabled?

              LOCK.synchronize { Identity.providers.each { |provider| introduce(provider) } }
              Identity.registered
              nil
            rescue ::StandardError => e # the next autobuild tries again
              Internal::Log.new.warn("cannot register with LegionIO: #{e.class}: #{e.message}")
              nil
            end

            def self.introduce(provider)
              if Runtime.resolver?
                ::Legion::Identity::Resolver.register(provider)
              elsif defined?(::Legion::Identity) && ::Legion::Identity.respond_to?(:pending_registrations)
                waiting = ::Legion::Identity.pending_registrations
                waiting.push(provider) unless waiting.nil? || waiting.include?(provider)
              end
            end
            private_class_method :introduce
          end
        end
      end
    end
  end
end
