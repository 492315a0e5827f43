# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Makes text fit for a terminal and a log: control characters, and those that move text about or hide it, are escaped as in JSON.
          # What comes from the native library has passed the same there.
          #
          # @api private
          module Printable
            # C0, DEL, C1, line and paragraph separators, and what a terminal shows as nothing, bidi controls among it.
            HIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/
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
              text.gsub(hidden) { |char| char == "\n" ? '\n' : escaped(char) }
            end
            private_class_method :escape

            def self.escaped(char) = char.encode(::Encoding::UTF_16BE).unpack('n*').map { |unit| format('\u%04x', unit) }.join
            private_class_method :escaped
          end
        end
      end
    end
  end
end
