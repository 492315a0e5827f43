# frozen_string_literal: true

require 'optparse'
require_relative 'command'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # A command line, parsed: the command with its options, or a text that answers it.
          #
          # @api private
          class Arguments
            # A part of the command line that is not understood.
            class Wrong < ::StandardError
              # @return [String, nil] name of the command that it was given to
              attr_reader :command

              # @param message [String]
              # @param command [String, nil]
              def initialize(message, command = nil)
                super(message)
                @command = command
              end
            end

            # @return [Command, nil] nil where none is named
            attr_reader :command

            # @param words [Array<String>] ARGV
            # @raise [Wrong]
            def initialize(words)
              name, *rest = parser.order(words)
              @help = true if name == 'help' || (name.nil? && !@version)
              parse(name, rest) unless name.nil? || name == 'help'
            rescue ::OptionParser::ParseError => e
              raise Wrong.new("#{e.message.sub(/\A./, &:upcase)}.", @command&.name)
            end

            # @return [String, nil] what --help or --version prints; nil: the command is to run
            def answer
              return help if @help

              Aws::VERSION if @version
            end

            private

            def parse(name, words)
              @command = command = find(name)
              @parser = nil
              rest = command.class::STOPS_AT_WORD ? parser.order(words) : parser.permute(words)
              command.take(rest) unless answer
            rescue ::ArgumentError => e
              raise Wrong.new(e.message, name)
            end

            def find(name)
              command = Command.find(name)
              return command.new if command

              raise Wrong, "There is no command #{name.inspect}. There are #{Command.all.map(&:command_name).join(', ')}."
            end

            def help
              statuses = STATUSES.values.map { |number, meaning| "#{number.to_s.rjust(5)}  #{meaning}" }
              [parser.help, 'Exit status', *statuses].join("\n")
            end

            def parser
              @parser ||= ::OptionParser.new do |options|
                command = @command
                command ? of_command(options, command) : of_program(options)
                options.on('-h', '--help') { @help = true }
                options.on('-v', '--version') { @version = true }
              end
            end

            def of_program(options)
              options.banner = 'Usage: lex-identity-aws COMMAND [OPTION...]'
              options.separator("\nCommands")
              Command.all.each { |command| options.separator("    #{command.command_name.ljust(12)} #{command::SUMMARY}") }
              options.separator("\nOptions (lex-identity-aws COMMAND --help shows those of a command)")
            end

            def of_command(options, command)
              summary = command.class::SUMMARY.sub(/\A./, &:upcase)
              options.banner = "Usage: lex-identity-aws #{[command.name, *command.class::WORDS].join(' ')} [OPTION...]\n\n#{summary}."
              options.separator("\nOptions")
              command.declare(options)
            end
          end
        end
      end
    end
  end
end
