# frozen_string_literal: true

require 'optparse'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # What the program was asked on its command line.
          #
          # @api private
          class Arguments
            # Something on the command line that is not understood.
            class Wrong < ::StandardError
              # @return [String, nil] the command it was said to
              attr_reader :command

              # @param message [String]
              # @param command [String, nil]
              def initialize(message, command = nil)
                super(message)
                @command = command
              end
            end

            STATUSES = <<~TEXT
              Exit status
                  0  done; doctor: nothing stands in the way
                  1  AWS refused or could not be asked; doctor: something stands in the way
                  2  the command line is wrong
                  3  there are no credentials here
                  4  a setting, variable or profile is wrong
                  5  the native library cannot be loaded (lex-identity-aws doctor says why)
                  6  run as the credential_process of the very profile it is asked to read
                130  interrupted; 141: nobody reads the output any more
            TEXT
            private_constant :STATUSES

            # @return [String, nil]
            attr_reader :command
            # @return [Hash{Symbol => Object}] options of the Session
            attr_reader :session
            # @return [Symbol, nil] `:text` or `:json`; nil: what suits the output
            attr_reader :form
            # @return [String] of `credentials`: `env`, `process` or `json`
            attr_reader :format
            # @return [Boolean]
            attr_reader :help, :version, :show, :assume, :write, :legionio

            # @param words [Array<String>]
            # @return [Arguments]
            # @raise [Wrong]
            def self.parse(words) = new.tap { |arguments| arguments.__send__(:read, words.dup) }

            def initialize
              @session = {}
              @format = 'env'
              @legionio = true
              @help = @version = @show = @assume = @write = false
            end

            # @return [String]
            def help_text = "#{parser.help}\n#{STATUSES}"

            private

            def read(words)
              first = parser.order(words)
              @command = first.shift
              return @help = true if @command == 'help' || (@command.nil? && !@version)
              return if @command.nil?
              raise Wrong, "There is no command #{@command.inspect}. There are #{COMMANDS.keys.join(', ')}." unless COMMANDS.key?(@command)

              @parser = nil
              rest = parser.permute(first)
              raise Wrong.new("#{@command} takes no #{rest.first.inspect}.", @command) if rest.any?
            rescue ::OptionParser::ParseError => e
              raise Wrong.new("#{e.message.sub(/\A./, &:upcase)}.", (@command if COMMANDS.key?(@command)))
            end

            def parser = @parser ||= COMMANDS.key?(@command) ? of_command : of_program

            def of_program
              ::OptionParser.new do |options|
                options.banner = 'Usage: lex-identity-aws COMMAND [OPTION...]'
                options.separator("\nCommands")
                COMMANDS.each { |name, (_, summary)| options.separator("    #{name.ljust(12)} #{summary}") }
                options.separator("\nOptions (lex-identity-aws COMMAND --help shows those of a command)")
                general(options)
              end
            end

            def of_command
              ::OptionParser.new do |options|
                options.banner = "Usage: lex-identity-aws #{@command} [OPTION...]\n\n#{COMMANDS.fetch(@command).last.capitalize}."
                options.separator("\nOptions")
                own(options)
                identity(options) unless @command == 'profiles'
                output(options) unless @command == 'credentials'
                general(options)
              end
            end

            def own(options)
              case @command
              when 'doctor'
                options.on('--assume', 'really assume the roles; else they are only shown') { @assume = true }
              when 'credentials'
                options.on('--format FORMAT', %w[env process json], 'env: lines for eval "$(...)" (the default)', 'process: for credential_process',
                           'json: for everybody else') { |format| @format = format }
                options.on('--show', 'print secrets on a terminal too') { @show = true }
              when 'legionio'
                options.on('--write', 'add the setting that makes it phase 0, in a file of its own') { @write = true }
              end
            end

            def identity(options)
              { 'profile NAME' => [:profile, 'a profile of the shared config files, and nothing else'], 'region REGION' => [:region, nil],
                'role-arn ARN' => [:role_arn, 'the role to assume on top'], 'external-id ID' => [:external_id, 'for that role'],
                'endpoint URL' => [:endpoint, 'of STS'] }.each do |option, (name, summary)|
                options.on("--#{option}", *summary) { |value| @session[name] = value }
              end
              options.on('--cache [FOLDER]', 'share role sessions on disk (~/.aws/cli/cache)') { |folder| @session[:cache] = folder || true }
              options.on('--no-legionio', "leave out identity.aws of LegionIO's settings files") { @legionio = false }
            end

            def output(options)
              options.on('--json', 'for programs; the default in a pipe') { @form = :json }
              options.on('--text', 'for people; the default on a terminal') { @form = :text }
            end

            def general(options)
              options.on('-h', '--help') { @help = true }
              options.on('-v', '--version') { @version = true }
            end
          end
        end
      end
    end
  end
end
