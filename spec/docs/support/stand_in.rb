# frozen_string_literal: true

# Stands in for a library of others: it answers everything with another of its kind, and calls what it is given to be called. So an example
# shows that what it does with this gem works; of the library it shows nothing.
class StandIn
  # What every stand-in does with a message.
  module Answers
    def method_missing(name, *arguments, **options, &block)
      return super if name.start_with?('to_') # Ruby would take it for a String, an Array or a Hash

      call(*arguments, *options.values, block)
      StandIn.new
    end

    def respond_to_missing?(name, _all = false) = !name.start_with?('to_')

    private

    def call(*given) = given.grep(Proc).each { |callable| callable.call(*Array.new(callable.parameters.size) { StandIn.new }) }
  end

  include Answers
  extend Answers

  def initialize(*arguments, **options, &block) = call(*arguments, *options.values, block)

  class << self
    # For a constant such as `Mysql2` or `ActionController::API`: those within it come to be when they are named.
    def for(name)
      name.split('::').reduce(Object) do |above, inner|
        above.const_defined?(inner, false) ? above.const_get(inner, false) : above.const_set(inner, Class.new(self))
      end
    end

    def const_missing(name) = const_set(name, Class.new(StandIn))
  end
end
