# frozen_string_literal: true

require_relative '../internal/printable'
require_relative 'layout'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # Prints text on a terminal and JSON in a pipe, unless told otherwise.
          #
          # @api private
          class Output
            # @param stdout [IO]
            # @param stderr [IO]
            # @param form [Symbol, nil] `:text` or `:json`
            def initialize(stdout, stderr, form)
              @stdout = stdout
              @stderr = stderr
              @layout = Layout.new(stdout)
              @form = form || (terminal? ? :text : :json)
            end

            # @return [Boolean]
            def terminal? = @stdout.tty?

            # @return [Boolean]
            def json? = @form == :json

            # @param text [String, Array<String>] one line, or several
            # @return [void]
            def print(text) = @stdout.puts(Array(text).map { |part| Internal::Printable.lines(part) })

            # Prints text for reading, fitted to the terminal.
            #
            # @param text [String, Array<String>]
            # @return [void]
            def text(text) = @stdout.puts(@layout.fit([*text].map { |part| Internal::Printable.lines(part) }))

            # @param data [Object]
            # @return [void]
            def json(data)
              require 'json'
              print(terminal? ? ::JSON.pretty_generate(data) : ::JSON.generate(data, ascii_only: true)) # the reader may have any locale
            end

            # One line for each pair; those without a value are left out.
            #
            # @param pairs [Hash{String => Object}]
            # @return [void]
            def pairs(pairs)
              given = pairs.compact
              width = given.keys.map(&:length).max.to_i
              given.each { |name, value| text("#{name.ljust(width)}  #{Internal::Printable.line(value)}") }
            end

            # A heading, and one line for each row.
            #
            # @param heading [Array<String>]
            # @param rows [Array<Array<String>>] with a cell for each word of the heading
            # @return [void]
            def table(heading, rows)
              text(@layout.table([heading, *rows.map { |row| row.map { |cell| Internal::Printable.line(cell) } }]))
            end

            # Prints cells with a tab between them, for a program.
            #
            # @param rows [Array<Array<String>>]
            # @return [void]
            def tabbed(rows) = @stdout.puts(rows.map { |cells| cells.map { |cell| Internal::Printable.line(cell) }.join("\t") })

            # A remark beside the answer, on stderr.
            #
            # @param text [String]
            # @return [void]
            def note(text) = @stderr.puts(Layout.new(@stderr).fit(Internal::Printable.line(text)))
          end
        end
      end
    end
  end
end
