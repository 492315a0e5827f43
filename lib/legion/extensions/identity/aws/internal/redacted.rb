# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # For what holds a secret: printed without it, serialised not at all.
          #
          # A class that includes this defines `inspect`, and keeps its secrets in a closure, not in an instance variable: some serialisers
          # read the instance variables of any object.
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

            # @raise [TypeError] always
            def to_yaml(*) = refuse('YAML')

            # @raise [TypeError] always
            def to_json(*) = refuse('JSON')

            # @raise [TypeError] always
            def as_json(*) = refuse('JSON')

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
