# frozen_string_literal: true

require_relative '../errors'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # What a require of the gem does not load. Ruby loads it when it is first named, and hides it from other threads until it is
          # complete. The paths are absolute, since `$LOAD_PATH` may have changed by then.
          autoload :Callbacks, "#{__dir__}/callbacks.rb"
          autoload :ChildEnvironment, "#{__dir__}/child_environment.rb"
          autoload :Listeners, "#{__dir__}/listeners.rb"
          autoload :SdkDefault, "#{__dir__}/sdk_default.rb"

          # Loads what a method needs of it. In a trap handler, where `require` and `autoload` raise a ThreadError, it raises an {Error} that
          # says what to do.
          #
          # @api private
          module Lazy
            LOCK = ::Mutex.new
            private_constant :LOCK

            class << self
              # A trap handler may have interrupted the thread that loads the file just now: it gets the error, not an incomplete constant.
              #
              # @param scope [Module]
              # @param name [Symbol] of a constant that is declared with `autoload`
              # @return [Module]
              # @raise [Error] in a trap handler, if it is not loaded yet
              def load(scope, name)
                loaded&.fetch(name, nil) || LOCK.synchronize { remember(name, scope.const_get(name, false)) }
              rescue ::ThreadError => e
                refuse(e)
              end

              # @param library [String] of Ruby's standard library
              # @return [void]
              # @raise [Error] in a trap handler
              def require(library)
                super
              rescue ::ThreadError => e
                refuse(e)
              end

              private

              # By name. Replaced whole under the lock, so that it is read without it.
              attr_reader :loaded

              def remember(name, constant)
                @loaded = { **loaded.to_h, name => constant }.freeze # rubocop:disable ThreadSafety/ClassInstanceVariable -- under LOCK
                constant
              end

              def refuse(error)
                raise Error, "This takes a part of lex-identity-aws that is not loaded yet, and none can be loaded here: #{error.message}. " \
                             'Call it once before, outside of trap handlers.'
              end
            end
          end
        end
      end
    end
  end
end
