# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # Fits text to where it is printed: on a terminal it is folded between words at the terminal's width, and the marks of the doctor
          # and headings are coloured. Elsewhere text stays as it is. Also lays out tables.
          #
          # @api private
          class Layout
            # SGR codes: for the marks of the doctor and of failures, for the profile in force, and for headings.
            COLOURS = { /\A  FAIL(?=  )/ => '1;31', /\A  warn(?=  )/ => '33', /\A  ok(?=  )/ => '32', /(?<=  )(?:failed|cannot work)(?=: )/ => '31',
                        /\A\*(?=  )/ => '1;32', /\A[a-z]\w+\z/ => '1', /\A[A-Z][a-z]+(?: [a-z]+)*\z/ => '1', /\A *[A-Z]+(?: +[A-Z]+)+\z/ => '1' }.freeze
            # The indentation where there is no room under the last column.
            SMALL = 6
            # A narrower terminal than this folds lines itself.
            NARROWEST = 40
            # Characters that take two columns of a terminal, and those that take none.
            WIDE = /[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]|\p{Emoji_Presentation}|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/
            ZERO = /\p{Mn}|\p{Me}|\p{Cf}/
            private_constant :COLOURS, :SMALL, :NARROWEST, :WIDE, :ZERO

            # @param stream [IO]
            # @param environment [Hash{String => String}, ENV] NO_COLOR (https://no-color.org) and TERM are read
            def initialize(stream, environment = ENV)
              @stream = stream
              # Kept in place of ENV, whose text is every variable with its value.
              @is_coloured = environment['NO_COLOR'].to_s.empty? && environment['TERM'] != 'dumb'
            end

            # @param text [String, Array<String>]
            # @return [String]
            def fit(text)
              return [*text].join("\n") unless @stream.tty?

              lines = [*text].flat_map { |part| part.empty? ? [''] : part.split("\n", -1) }
              lines.map { |line| folded(coloured(line)) }.join("\n")
            end

            # A cell that takes more than a third of the terminal makes its own row longer, and not the column of all others.
            #
            # @param rows [Array<Array<String>>]
            # @return [Array<String>] a line for each row, its cells in columns
            def table(rows)
              columns = width if @stream.tty?
              limit = columns ? columns / 3 : ::Float::INFINITY
              widths = rows.transpose.map { |column| column.map { |cell| length(cell) }.reject { |cell| cell > limit }.max.to_i }
              rows.map { |row| row.zip(widths).map { |cell, size| "#{cell}#{' ' * [size.to_i - length(cell), 0].max.to_i}" }.join('  ').rstrip }
            end

            private

            def coloured(line)
              return line unless @is_coloured

              start, code = COLOURS.find { |pattern, _| pattern.match?(line) }
              start ? line.sub(start) { |mark| "#{mark[/\A */]}\e[#{code}m#{mark.lstrip}\e[0m" } : line
            end

            # Folds between words. What follows is indented as the last column of the line; a long word, such as an ARN, stays whole. One that
            # is longer than a line is left to the terminal.
            def folded(line)
              limit = width
              return line if limit.nil? || length(line) <= limit

              head = line[/\A\s*/].to_s
              words = line.lstrip.split(/(?<=\s)(?=\S)/)
              indent = ' ' * indentation(line, limit, words.map { |word| length(word.rstrip) })
              words.each_with_object([head.dup]) do |word, lines|
                lines << indent.dup if length(lines.last + word.rstrip) > limit && lines.last.match?(/\S/)
                lines.last << word
              end.map(&:rstrip).join("\n")
            end

            def indentation(line, limit, lengths)
              plain = line.gsub(/\e\[[\d;]*m/, '')
              column = length(plain[/\A.*\s\s(?=\S)/] || plain[/\A\s*(?:\d+\. )?/].to_s)
              return column unless column > limit / 2 || column + lengths.max.to_i > limit

              (limit - lengths.reject { |word| word > limit }.max.to_i).clamp(0, [SMALL, column].min.to_i)
            end

            # In columns of a terminal.
            def length(text)
              text = text.gsub(/\e\[[\d;]*m/, '')
              text.ascii_only? ? text.length : text.length + text.scan(WIDE).size - text.scan(ZERO).size
            end

            # @return [Integer, nil] columns; nil where the terminal does not say, or is too narrow
            def width
              return @width if defined?(@width)

              require 'io/console'
              columns = @stream.winsize.last
              @width = columns >= NARROWEST ? columns : nil
            rescue ::SystemCallError, ::NoMethodError => _e # a terminal without a size
              @width = nil
            end
          end
        end
      end
    end
  end
end
