# frozen_string_literal: true

require_relative 'lazy'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # For what holds a secret: printed without it. JSON gets the printed text, so that a report or log line with such an object in it
          # still arrives; Marshal and YAML, which would have to restore the object, are refused.
          #
          # A class that includes this defines `inspect`, and keeps its secrets in native memory or in a closure, not as Strings in instance
          # variables: some serialisers read the instance variables of any object.
          #
          # @api private
          module Redacted
            # @return [String]
            def to_s = inspect

            # @param printer [PP]
            # @return [void]
            def pretty_print(printer) = printer.text(inspect)

            # @raise [TypeError] always
            def marshal_dump = refuse('Marshal')

            # @raise [TypeError] always
            def marshal_load(*) = refuse('Marshal')

            # @raise [TypeError] always
            def encode_with(*) = refuse('YAML')

            # @raise [TypeError] always
            def init_with(*) = refuse('YAML')

            # @return [String] the text of `inspect`, for ActiveSupport and Oj
            def as_json(*) = inspect

            # @return [String] the text of `inspect` as JSON
            def to_json(*)
              Lazy.require('json') unless ''.respond_to?(:to_json)
              as_json.to_json
            end

            private

            def refuse(format)
              raise ::TypeError, "#{self.class} holds a secret and is not turned into #{format}. " \
                                 'Hand over the fields you need one by one, and only where they stay secret.'
            end
          end
        end
      end
    end
  end
end
