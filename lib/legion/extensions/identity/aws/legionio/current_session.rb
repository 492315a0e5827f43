# frozen_string_literal: true

require_relative '../internal/log'
require_relative '../internal/monotonic'
require_relative '../internal/redacted'
require_relative '../internal/secret'
require_relative '../session'
require_relative '../internal/layers'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # The one Session in force: replaced when the settings have changed, so that credentials of superseded
          # settings are not handed out.
          #
          # Reading takes no lock, so it works in a trap handler too. The lock for replacing is never held across a wait: making a
          # Session asks nothing of the network.
          #
          # @api private
          class CurrentSession
            include Internal::Redacted

            # The session in force, its settings' fingerprint, and when they were last compared.
            Entry = ::Struct.new(:fingerprint, :session, :compared_at)
            # Seconds for which a comparison of settings holds within one {#read}. A read of held credentials takes less, and compares once.
            HELD_READ = 0.05
            # Warnings that were logged, of the process's own session and of those of roles.
            ANNOUNCED = {} # rubocop:disable Style/MutableConstant -- each write is of one key
            private_constant :Entry, :HELD_READ, :ANNOUNCED

            # @param options [Hash{Symbol => Object}] explicit options of every Session made here
            # @yieldreturn [Internal::Secret] a Hash of options computed anew at each use, in place of fixed ones
            def initialize(**options, &source)
              options = Internal::Secret.new(options)
              @options = source || -> { options }
              @lock = ::Mutex.new
              @entry = nil
              @log = Internal::Log.new
            end

            # Yields the Session in force, and yields again if the settings changed while the block waited for AWS.
            #
            # @yieldparam session [Session]
            # @return [Object] what the block returned
            # @raise [Error] also where the settings cannot be used
            def read
              loop do
                session = current
                result = yield session
                return result if current(max_age: HELD_READ).equal?(session)
              end
            end

            # @param max_age [Numeric] seconds for which settings that were compared count as unchanged
            # @yield where the settings were compared in this call
            # @return [Session]
            # @raise [ConfigurationError] where the settings cannot be used; nothing is in force then
            def current(max_age: 0)
              entry = @entry
              return entry.session if max_age.positive? && entry && Internal::Monotonic.now - entry.compared_at < max_age

              begin
                compare(entry)
              ensure
                yield if block_given?
              end
            end

            # @return [Session, nil] the one that was in force when the settings were last compared
            def held = @entry&.session

            # @return [String]
            def inspect = "#<#{self.class} #{held.inspect}>"

            private

            def compare(entry)
              layers = Internal::Layers.of(options, deadline_cap: Internal::Layers.deadline_cap)
              fingerprint = Internal::Layers.fingerprint(layers)
              return replace(layers, fingerprint) unless entry && entry.fingerprint == fingerprint

              entry.compared_at = Internal::Monotonic.now
              entry.session
            end

            def options
              @options.call
            rescue ::StandardError => _e # the session of the earlier settings must not stay in force
              @entry = nil
              raise
            end

            def replace(layers, fingerprint)
              session = @lock.synchronize do
                unless @entry && @entry.fingerprint == fingerprint
                  @entry = nil # first, so that unusable new settings do not leave the old session in force
                  @entry = Entry.new(fingerprint, Session.from_layers(layers), Internal::Monotonic.now)
                end
                @entry.session
              end
              announce(session.warnings)
              session
            rescue ::ThreadError => e
              raise Error, "A session for the settings in force cannot be made here: #{e.message}. Read it once outside of trap handlers."
            end

            # Logs each warning once a process, since a misspelt key stays misspelt when other settings change, and for every role.
            def announce(warnings)
              fresh = warnings.reject { |warning| ANNOUNCED.key?(warning) }
              fresh.each do |warning|
                ANNOUNCED[warning] = true
                @log.warn(warning)
              end
            end
          end
        end
      end
    end
  end
end
