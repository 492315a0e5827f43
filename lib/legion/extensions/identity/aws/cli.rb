# frozen_string_literal: true

require_relative 'cli/arguments'
require_relative 'cli/layout'
require_relative 'cli/output'
require_relative 'version'

module Legion
  module Extensions
    module Identity
      module Aws
        # The program `lex-identity-aws`. Loads without the native library; what a command needs is loaded when it runs.
        #
        # @api private
        class Cli
          # The exit statuses by name: the number, and its meaning as --help prints it.
          STATUSES = {
            done:           [0, 'done; doctor: nothing stands in the way'],
            failed:         [1, 'AWS refused or could not be asked; doctor: something stands in the way'],
            usage:          [2, 'the command line is wrong'],
            nothing:        [3, 'there are no credentials here'],
            configuration:  [4, 'a setting, variable or profile is wrong'],
            library:        [5, 'the native library cannot be loaded (lex-identity-aws doctor says why)'],
            loop:           [6, 'run as the credential_process of the very profile it is asked to read'],
            not_executable: [126, 'exec: the program cannot be run'],
            not_found:      [127, 'exec: there is no such program'],
            interrupted:    [130, 'interrupted'], # 128 + SIGINT, as shells report it
            broken_pipe:    [141, 'the reader of the output has closed it'] # 128 + SIGPIPE
          }.freeze

          # The core's error code for status `loop`.
          LOOP_CODE = 'CredentialProcessLoop'
          # What helps against a reference in the settings, which this program cannot resolve.
          NO_LEGIONIO = '--no-legionio leaves identity.aws out.'
          private_constant :LOOP_CODE, :NO_LEGIONIO

          # @param name [Symbol] a key of {STATUSES}
          # @return [Integer]
          def self.status(name) = STATUSES.fetch(name).first

          # Runs a command.
          #
          # @param words [Array<String>] ARGV
          # @param stdin [IO]
          # @param stdout [IO]
          # @param stderr [IO]
          # @return [Integer] the exit status
          def self.run(words, stdin: $stdin, stdout: $stdout, stderr: $stderr)
            status(new(stdin, stdout, stderr).run(words))
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
          # @return [Symbol] a key of {STATUSES}
          def run(words)
            status = answer(words)
            @stdout.flush
            status
          rescue ::Errno::EPIPE => _e # the reader has seen enough
            :broken_pipe
          rescue ::SystemCallError, ::IOError => e # a full disk, a closed output
            complain("The answer could not be written: #{e.message}.", :failed)
          rescue ::Interrupt => _e
            :interrupted
          end

          private

          def answer(words)
            arguments = Arguments.new(words)
            command = arguments.command
            text = arguments.answer
            return run_command(command) if command && !text

            @stdout.puts(Layout.new(@stdout).fit(text.to_s))
            :done
          rescue Arguments::Wrong => e
            complain(e.message, :usage, "See lex-identity-aws #{[*e.command, '--help'].join(' ')}.")
          end

          def run_command(command)
            error = library_error
            return complain(error.message, :library) if error && !command.class::WITHOUT_LIBRARY

            command.call(@stdin, @stdout, @stderr, error)
          rescue ::StandardError => e
            raise if e.is_a?(::SystemCallError) || e.is_a?(::IOError)

            of_settings = e.is_a?(NotReadyError) && e.message.start_with?('identity.aws')
            complain(e.message, status_of(e), *(of_settings ? [NO_LEGIONIO] : []))
          end

          # Why the native library cannot be loaded; nil if it can.
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
            else raise error # a defect of this gem is shown in full
            end
          end

          def complain(message, status, *more)
            @stderr.puts(Layout.new(@stderr).fit("lex-identity-aws: #{Internal::Printable.line(message)}"), *more)
            status
          rescue ::SystemCallError, ::IOError => _e # stderr is closed or full; the status says it too
            status
          end
        end
      end
    end
  end
end
