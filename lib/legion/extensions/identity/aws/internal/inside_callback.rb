# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Marks the threads that are inside an object of the application that a session asks, such as its `source`: a client of aws-sdk-ruby
          # that is made there must not ask the session again.
          #
          # @api private
          module InsideCallback
            # Local to the fiber: other fibers of the thread run while this one waits.
            KEY = :lex_identity_aws_inside_callback
            private_constant :KEY

            class << self
              # @yield with the mark
              # @return [Object] what the block returned
              def mark
                before = ::Thread.current[KEY]
                ::Thread.current[KEY] = true
                yield
              ensure
                ::Thread.current[KEY] = before
              end

              # @return [Boolean]
              def here? = ::Thread.current[KEY] == true
            end
          end
        end
      end
    end
  end
end
