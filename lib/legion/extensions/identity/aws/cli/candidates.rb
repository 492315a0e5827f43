# frozen_string_literal: true

require 'optparse'
require_relative 'arguments'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # What could stand at the end of a command line that is being typed: commands, options and their values, as the program declares
          # them.
          #
          # @api private
          class Candidates
            # In place of candidates, where a file is meant.
            FILES = ':files'
            # Ends the options of `exec`.
            OPTIONS_END = '--'
            private_constant :OPTIONS_END

            # @param words [Array<String>] all after the name of the program, the unfinished one last. `=` may be a word of its own, as bash has
            #   it.
            def initialize(words)
              *before, current = words.empty? ? [''] : words
              @current = current.to_s
              @rest = before
              @words = []
              read
            end

            # @return [Array<Array<String>>] each with its meaning, where it has one
            def rows
              return [[FILES]] if @program
              return values(@option, @current.delete_prefix('=')) if @option

              name, given = @current.split('=', 2)
              option = switch(name.to_s)
              return values(option, given, "#{name}=") if option && given

              @current.start_with?('-') ? options : words
            end

            private

            # Reads what is finished: which command it is, and whether the unfinished word is the value of an option.
            def read
              while (word = @rest.shift)
                @program = true if word == OPTIONS_END || stops_at(word)
                break if @program

                take(word)
              end
            end

            def stops_at(word) = constant(:STOPS_AT_WORD) && !word.start_with?('-')

            # Of the command; nil where none is named.
            def constant(name) = @command&.class&.const_get(name)

            def take(word)
              if word.start_with?('-')
                found = switch(word)
                take_value(found) if found&.arg && !word.include?('=')
              elsif @name.nil?
                @name = word
                @command = Command.find(word)&.new
              else
                @words << word
              end
            end

            # The value is the next word, which may be the unfinished one. One that may be left out is not taken for what begins with a dash.
            def take_value(option)
              equals = @rest.first == '=' && @rest.shift
              wanted = equals || option.is_a?(::OptionParser::Switch::RequiredArgument)
              next_word = @rest.first || @current
              return unless wanted || !next_word.start_with?('-')

              @rest.empty? ? @option = option : @rest.shift
            end

            def switch(name)
              long = name.split('=', 2).first
              switches.find { |option| option.long.include?(long) || option.short.include?(long) }
            end

            def switches
              parser = ::OptionParser.new do |options|
                command = @command
                command ? command.declare(options) : Arguments.declare_before(options)
                options.on('-h', '--help', 'shows the options') { nil }
                options.on('-v', '--version', 'shows the version') { nil } unless command
              end
              parser.top.list.grep(::OptionParser::Switch)
            end

            def options
              among(switches.flat_map { |option| option.long.map { |name| [name, *option.desc.first(1)] } })
            end

            def words
              return among(commands) if @name.nil?

              first = @name == 'help' ? commands : Array(constant(:FIRST_WORDS)).zip
              return among(first) if first.any? && @words.empty?

              @current.empty? && @command ? options : []
            end

            def commands
              all = Command.all.map { |command| [command.command_name, command.const_get(:SUMMARY, false)] }
              [*all, ['help', 'the options of a command'], ['version', 'of this program']]
            end

            def values(option, given, before = '')
              return [[FILES]] if option.arg.to_s.match?(/FILE|FOLDER/)

              among(known(option).map { |value| ["#{before}#{value}"] }, "#{before}#{given}")
            end

            def known(option)
              case option.long.first
              when '--profile' then profiles
              when '--qualifier' then qualifiers
              when '--credential-source' then SessionOptions::SOURCES
              else option.pattern.is_a?(::Hash) ? option.pattern.keys : []
              end
            end

            def profiles
              require_relative '../../aws'
              Aws.profiles.map(&:name)
            rescue ::LoadError, Error => _e # the native library or a file cannot be read; the command says why
              []
            end

            def qualifiers
              require_relative '../../aws'
              require_relative '../legionio/roles'
              Aws::LegionIO::Roles.names(Aws::LegionIO::SettingsFiles.new.identity_aws).map(&:to_s)
            rescue ::LoadError, Error => _e # as above
              []
            end

            def among(rows, start = @current) = rows.select { |row| row.fetch(0).start_with?(start) }
          end
        end
      end
    end
  end
end
