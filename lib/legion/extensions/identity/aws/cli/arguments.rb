# frozen_string_literal: true

require 'optparse'
require_relative '../internal/similar'
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

            # The options that may stand before the command. Here they are only found; the command reads them with its own.
            #
            # @param options [OptionParser]
            # @return [void]
            def self.declare_before(options)
              SessionOptions.declare(options, Internal::Secret.new({}))
              ['--no-legionio', '--json', '--text', '--format FORMAT'].each { |option| options.on(option) { nil } }
            end

            # @return [Command, nil] nil where none is named
            attr_reader :command

            # @param words [Array<String>] ARGV
            # @raise [Wrong]
            def initialize(words)
              before, name, rest = divide(words)
              case name
              when nil then without_command(before)
              when 'version' then @version = true
              when 'help' then help_with(*rest)
              else parse(name, before + rest)
              end
            rescue ::OptionParser::ParseError => e
              raise Wrong.new(wrong_option(e), @command&.name)
            rescue ::ArgumentError => e
              raise Wrong.new(e.message, @command&.name)
            end

            # @return [String, nil] what --help or --version prints; nil: the command is to run
            def answer
              return help if @help

              Aws::VERSION if @version
            end

            private

            # @return [Array(Array<String>, String, Array<String>)] the options before the command, its name, and what stands after it
            def divide(words)
              rest = options_before.order(words)
              before = words.take(words.size - rest.size)
              [before, rest.first, rest.drop(1)]
            end

            def options_before
              ::OptionParser.new do |options|
                Arguments.declare_before(options)
                help_and_version(options)
              end
            end

            def without_command(before)
              @help ||= !@version
              return if before.all? { |word| word.match?(/\A(-h|--h.*|-v|--v.*)\z/) }

              raise Wrong, "No command is given beside #{before.filter_map { |word| option_in(word) }.join(' ')}."
            end

            # What was given to an option may be a secret, but for the number or word of one that is known and takes no other.
            def wrong_option(error)
              given = error.args.join(' ')
              given = option_in(given) || '-' unless error.is_a?(::OptionParser::InvalidArgument)
              near = error.message[/^Did you mean\?\s+(\S+)/, 1]
              near = nil if given == "--#{near}"
              "#{error.reason.capitalize}: #{given}.#{near ? " Did you mean --#{near}?" : what_is_taken(error)}"
            end

            # The values that an option takes; and of one before the command, which options may stand there.
            def what_is_taken(error)
              case error
              when ::OptionParser::InvalidArgument then values_of(error.args.first[/\A--([^=]+)/, 1].to_s.tr('_', '-'))
              when ::OptionParser::InvalidOption then ' An option of one command stands after it.' unless @command
              end
            end

            # Only those of a list and whole numbers are checked here.
            def values_of(option)
              long = parser.top.long
              name = long.keys.select { |known| known.start_with?(option) }.min_by(&:size) # it may be shortened
              case (pattern = long[name]&.pattern)
              when ::Hash then " It takes #{pattern.keys.join(', ')}."
              when ::Regexp then ' It takes a whole number.'
              end
            end

            # Behind the name of an option that is known may stand its value.
            def option_in(word)
              known = (@command ? parser : options_before).top.long.keys.map { |name| "--#{name}" }
              known = known.select { |name| word.downcase.tr('_', '-').start_with?(name) }
              known.max_by(&:size) || word[/\A(--[a-z]+([-_][a-z]+)*|-[^-])/i]
            end

            def help_with(name = nil, *)
              @help = true
              parse(name, []) unless name.nil? || %w[help version].include?(name) # the general help has these
            end

            def help_and_version(options)
              options.on('-h', '--help') { @help = true }
              options.on('-v', '--version') { @version = true }
            end

            def parse(name, words)
              @command = command = find(name)
              @parser = nil
              rest = command.class::STOPS_AT_WORD ? parser.order(words) : parser.permute(words)
              command.take(rest) unless answer
            end

            def find(name)
              command = Command.find(name)
              return command.new if command

              raise Wrong, "There is no command #{name.inspect}.#{suggestion(name)} There are #{Command.all.map(&:command_name).join(', ')}."
            end

            def suggestion(name)
              names = [*Command.all.map(&:command_name), 'help', 'version']
              near = names.find { |known| !name.empty? && known.start_with?(name) } || Internal::Similar.to(name, names)
              near && " Did you mean #{near}?"
            end

            def help
              statuses = STATUSES.values.map { |number, meaning| "#{number.to_s.rjust(5)}  #{meaning}" }
              [parser.help, 'Exit status', *statuses].join("\n")
            end

            def parser
              @parser ||= ::OptionParser.new do |options|
                command = @command
                command ? of_command(options, command) : of_program(options)
                help_and_version(options)
              end
            end

            def of_program(options)
              options.banner = 'Usage: lex-identity-aws COMMAND [OPTION...]'
              options.separator("\nCommands")
              Command.all.each { |command| options.separator("    #{command.command_name.ljust(12)} #{command::SUMMARY}") }
              options.separator("    #{'help'.ljust(12)} this text, or with a command its options")
              options.separator("    #{'version'.ljust(12)} of this program")
              options.separator("\nOptions (lex-identity-aws help COMMAND shows those of a command, which may also stand before it)")
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
