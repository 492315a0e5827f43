# frozen_string_literal: true

require_relative 'printable'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Logs where there is a logger, and never raises: LegionIO's logging does after a fork and in trap handlers, and a log line must
          # not cost a caller its credentials.
          #
          # A logger given to a Session comes first, then {Aws.logger}, then LegionIO's own. With none of them nothing is printed:
          # what matters reaches the caller as a typed error, and a library does not write into a program's output uninvited.
          #
          # @api private
          class Log
            # What a logger answers.
            LEVELS = %i[debug info warn error].freeze

            # LegionIO takes the tag of a line and its level (`extensions.identity.aws.logger`) from the speaker's name.
            module Speaker
              # @return [String]
              def self.to_s = 'Legion::Extensions::Identity::Aws'
            end

            # @param logger [#debug, #info, #warn, #error, nil]
            # @raise [ArgumentError] if it is no logger
            # @return [#debug, nil] the same
            def self.check(logger)
              return logger if logger.nil? || LEVELS.all? { |level| logger.respond_to?(level) }

              raise ::ArgumentError, "logger is of class #{logger.class}, which does not answer #{LEVELS.join(', ')}. Give a Logger, or nil for none."
            end

            # @param logger [#debug, #info, #warn, #error, nil] nil: {Aws.logger}, else LegionIO's
            def initialize(logger = nil)
              @logger = Log.check(logger)
            end

            # @param message [String]
            # @return [nil]
            def debug(message) = write(:debug, message)

            # @param message [String]
            # @return [nil]
            def info(message) = write(:info, message)

            # @param message [String]
            # @return [nil]
            def warn(message) = write(:warn, message)

            # @param message [String]
            # @return [nil]
            def error(message) = write(:error, message)

            private

            def write(level, message)
              message = Printable.line(message)
              logger = @logger || Aws.logger
              logger ? logger.public_send(level, "lex-identity-aws: #{message}") : legion&.public_send(level, message)
              nil
            rescue ::StandardError, ::NotImplementedError => _e # there is nowhere left to report it to
              nil
            end

            def legion
              return unless defined?(::Legion::Logging::Helper)

              Speaker.extend(::Legion::Logging::Helper) unless Speaker.singleton_class.include?(::Legion::Logging::Helper)
              Speaker.log
            end
          end
        end
      end
    end
  end
end
