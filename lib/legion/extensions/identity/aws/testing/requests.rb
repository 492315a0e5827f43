# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Testing
          Request = ::Struct.new(:what, :role_arn, :settings, :words, keyword_init: true)

          # What the code under test asked of a stub.
          #
          # @!attribute [r] what
          #   @return [Symbol] `:credentials`, `:identity`, `:refresh`, `:prefetch`, `:identity_token` or `:token`
          # @!attribute [r] role_arn
          #   @return [String, nil] of the role that the session assumes; of several, all with commas between
          # @!attribute [r] settings
          #   @return [Hash{Symbol => Object}] the settings in force, as {Session#settings} has them, by name; of a secret the value is "set"
          # @!attribute [r] words
          #   @return [Hash{Symbol => Object}] what a token was asked for with, such as `audience`, or `kind` and `cluster`
          class Request
            # @api private
            # @param fields [Hash{Symbol => Object}]
            def initialize(**fields)
              super
              freeze
            end
          end

          # The requests of the example.
          #
          # @api private
          class Requests
            def initialize
              @lock = ::Mutex.new
              clear
            end

            # @return [Array<Request>]
            def all = @lock.synchronize { @found.values }

            # Keeps a request; the same one of the same session once.
            #
            # @param native [Internal::Native::Session] the session that is asked
            # @param what [Symbol]
            # @param words [Hash{Symbol => Object}]
            # @return [void]
            def add(native, what, words = {})
              key = [native, what, words]
              @lock.synchronize { @found[key] ||= request(native, what, words) }
            end

            # @return [void]
            def clear
              @lock.synchronize { @found = {} }
            end

            private

            def request(native, what, words)
              settings = native.settings.transform_values { |setting| setting[:value] }.compact.freeze
              Request.new(what: what, role_arn: settings[:role_arn], settings: settings, words: words.dup.freeze)
            end
          end
          private_constant :Requests
        end
      end
    end
  end
end
