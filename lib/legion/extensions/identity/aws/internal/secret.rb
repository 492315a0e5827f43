# frozen_string_literal: true

require_relative 'redacted'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # An object that is, holds or prints a secret: an option, a Hash of options, an answer of the application.
          #
          # Error trackers collect the local variables of the frames on the stack when something is raised, arguments among them. So such an
          # object is wrapped in the first line of the method that gets it, stays wrapped in every variable, and {#value} is called only
          # inside an expression.
          #
          # @api private
          class Secret
            include Redacted

            # @param value [Object]
            def initialize(value)
              @value = -> { value }
            end

            # @return [Object] what is wrapped; not to be kept in a variable
            def value = @value.call

            # @param name [Object] a key, where a Hash is wrapped
            # @return [Secret] its value; of nil where there is none
            def part(name) = Secret.new(value[name])

            # @param other [Object]
            # @return [Boolean] whether it wraps an equal object
            def ==(other) = other.is_a?(Secret) && value == other.value
            alias eql? ==

            # @return [Integer]
            def hash = [Secret, value].hash

            # @return [Boolean]
            def text? = value.is_a?(::String)

            # @return [Boolean] whether it counts as absent
            def blank? = value.nil? || (text? && value.strip.empty?)

            # @param methods [Array<Symbol>]
            # @return [Boolean] whether the object has all of them
            def answers?(*methods) = methods.all? { |method| value.respond_to?(method) }

            # @return [String]
            def inspect = "#<#{self.class}>"
          end
        end
      end
    end
  end
end
