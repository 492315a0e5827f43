# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # Fits text to where it is printed: on a terminal it is folded between words at the terminal's width, and the marks of the doctor
          # and headings are coloured. Elsewhere text stays as it is.
          #
          # @api private
          class Layout
            # SGR codes, for what a line begins with.
            COLOURS = { /\A  FAIL(?=  )/ => '1;31', /\A  warn(?=  )/ => '33', /\A  ok(?=  )/ => '32', /\A[a-z]\w+\z/ => '1', /\AWhat to do\z/ => '1',
                        /\ASettings in force\z/ => '1' }.freeze
            # A narrower terminal than this folds lines itself.
            NARROWEST = 40
            private_constant :COLOURS, :NARROWEST

            # @param stream [IO]
            # @param environment [Hash{String => String}, ENV] NO_COLOR (https://no-color.org) and TERM are read
            def initialize(stream, environment = ENV)
              @stream = stream
              @environment = environment
            end

            # @param text [String, Array<String>]
            # @return [String]
            def fit(text)
              return [*text].join("\n") unless @stream.tty?

              lines = [*text].flat_map { |part| part.empty? ? [''] : part.split("\n", -1) }
              lines.map { |line| folded(coloured(line)) }.join("\n")
            end

            private

            def coloured(line)
              return line unless @environment['NO_COLOR'].to_s.empty? && @environment['TERM'] != 'dumb'

              start, code = COLOURS.find { |pattern, _| pattern.match?(line) }
              start ? line.sub(start) { |mark| "#{mark[/\A */]}\e[#{code}m#{mark.lstrip}\e[0m" } : line
            end

            # Folds between words. What follows is indented as the last column of the line; a long word, such as an ARN, stays whole.
            def folded(line)
              limit = width
              return line if limit.nil? || length(line) <= limit

              indent = ' ' * indentation(line, limit)
              head = line[/\A\s*/].to_s
              words = line.lstrip.split(/(?<=\s)(?=\S)/)
              words.each_with_object([head.dup]) do |word, lines|
                lines << indent.dup if length(lines.last + word.rstrip) > limit && lines.last.match?(/\S/)
                lines.last << word
              end.map(&:rstrip).join("\n")
            end

            def indentation(line, limit)
              plain = line.gsub(/\e\[[\d;]*m/, '')
              column = plain.rindex(/(?<=\s\s)\S/) || plain[/\A\s*(?:\d+\. )?/].to_s.length
              column > limit / 2 ? 6 : column
            end

            def length(text) = text.gsub(/\e\[[\d;]*m/, '').length

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
