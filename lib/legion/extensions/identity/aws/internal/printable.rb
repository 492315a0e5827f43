# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Makes text fit for a terminal and a log: control characters, and those that move text about unseen, are escaped as in JSON. What
          # comes from the native library has passed the same there.
          #
          # @api private
          module Printable
            # C0, DEL, C1, line and paragraph separators, and Unicode's bidi controls.
            HIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
            # The same without the line end.
            HIDDEN_IN_A_LINE = /(?!\n)#{HIDDEN}/
            private_constant :HIDDEN, :HIDDEN_IN_A_LINE

            # @param text [#to_s]
            # @return [String] one line
            def self.line(text) = escape(text, HIDDEN)

            # @param text [#to_s]
            # @return [String] with its line ends
            def self.lines(text) = escape(text, HIDDEN_IN_A_LINE)

            def self.escape(text, hidden)
              text = text.to_s.encode(::Encoding::UTF_8, invalid: :replace, undef: :replace).scrub
              text.gsub(hidden) { |char| char == "\n" ? '\n' : format('\u%04x', char.ord) }
            end
            private_class_method :escape
          end
        end
      end
    end
  end
end
