# frozen_string_literal: true

require_relative 'cli/arguments'
require_relative 'cli/output'
require_relative 'version'

module Legion
  module Extensions
    module Identity
      module Aws
        # The program `lex-identity-aws`. Loads without the native library; what a command needs is loaded when it is run.
        #
        # @api private
        class Cli
          # The commands, their files and classes, and what each does.
          COMMANDS = {
            'whoami'      => [:Whoami, 'who AWS says this machine is'],
            'doctor'      => [:Doctor, 'what stands between this machine and its identity'],
            'credentials' => [:Credentials, 'the credentials in force, for another program'],
            'profiles'    => [:Profiles, 'the profiles of the shared config files'],
            'legionio'    => [:LegionIO, 'when LegionIO loads the gem, and the settings in force']
          }.freeze

          # What the program ends with.
          STATUS = {
            done:          0, # or: the doctor found nothing in the way
            failed:        1, # AWS refused or could not be asked; or: the doctor found something
            usage:         2,
            nothing:       3, # no credentials here
            configuration: 4, # a setting, variable or profile is wrong
            library:       5, # the native library cannot be loaded
            loop:          6  # run by a profile's credential_process to read that very profile
          }.freeze
          # A shell says so of a program that a signal ended.
          INTERRUPTED = 130
          # The same of one that wrote where nobody reads.
          BROKEN_PIPE = 141

          # The core's error code for {STATUS} loop.
          LOOP_CODE = 'CredentialProcessLoop'
          private_constant :LOOP_CODE

          # Runs a command.
          #
          # @param words [Array<String>] ARGV
          # @param stdin [IO]
          # @param stdout [IO]
          # @param stderr [IO]
          # @return [Integer] the exit status
          def self.run(words, stdin: $stdin, stdout: $stdout, stderr: $stderr)
            new(stdin, stdout, stderr).run(words)
          end

          # @param stdin [IO]
          # @param stdout [IO]
          # @param stderr [IO]
          def initialize(stdin, stdout, stderr)
            @stdin = stdin
            @stdout = stdout
            @stderr = stderr
          end

          # @param words [Array<String>]
          # @return [Integer]
          def run(words)
            status = answer(words)
            @stdout.flush
            status
          rescue ::Errno::EPIPE => _e # whoever read us has seen enough
            BROKEN_PIPE
          rescue ::SystemCallError, ::IOError => e # a full disk, a closed output
            complain("The answer could not be given: #{e.message}.", :failed)
          rescue ::Interrupt => _e
            INTERRUPTED
          end

          private

          def answer(words)
            arguments = Arguments.parse(words)
            return help(arguments) if arguments.help
            return show(Aws::VERSION) if arguments.version

            command(arguments)
          rescue Arguments::Wrong => e
            complain("#{e.message}\nSee lex-identity-aws #{[*e.command, '--help'].join(' ')}.", :usage)
          end

          def command(arguments)
            error = library_error
            return complain(error.message, :library) if error && arguments.command != 'doctor'

            name = COMMANDS.fetch(arguments.command).first
            require_relative "cli/#{arguments.command}"
            output = Output.new(@stdout, @stderr, arguments.form)
            STATUS.fetch(self.class.const_get(name, false).new(arguments, output, @stdin, error).run)
          rescue ::StandardError => e
            raise if e.is_a?(::SystemCallError) || e.is_a?(::IOError)

            complain(e.message, status_of(e))
          end

          # Why there is no native library; nil where there is one.
          def library_error
            require_relative '../aws'
            nil
          rescue ::LoadError => e
            e
          end

          def status_of(error)
            return :loop if error.is_a?(ConfigurationError) && error.code == LOOP_CODE

            case error
            when ::ArgumentError then :usage
            when NoCredentialsError then :nothing
            when ConfigurationError then :configuration
            when Error then :failed
            else raise error # a defect of ours is shown in full
            end
          end

          def help(arguments)
            show(arguments.help_text)
          end

          def show(text)
            @stdout.puts(text)
            STATUS.fetch(:done)
          end

          def complain(message, status)
            @stderr.puts("lex-identity-aws: #{message}")
            STATUS.fetch(status)
          rescue ::SystemCallError, ::IOError => _e # nobody is there to hear it, the status says it too
            STATUS.fetch(status)
          end
        end
      end
    end
  end
end
