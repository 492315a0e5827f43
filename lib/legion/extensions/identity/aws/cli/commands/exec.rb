# frozen_string_literal: true

require_relative '../command'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws exec`
          #
          # @api private
          class Exec < Command
            # (see Command::SUMMARY)
            SUMMARY = 'run a program with the credentials in force'
            # (see Command::POSITION)
            POSITION = 4
            # (see Command::WORDS)
            WORDS = '-- PROGRAM [WORD...]'
            # (see Command::STOPS_AT_WORD)
            STOPS_AT_WORD = true

            # (see Command#take)
            def take(words)
              raise ::ArgumentError, 'exec takes a program to run: lex-identity-aws exec -- PROGRAM [WORD...].' if words.empty?

              @program, *@words = words
            end

            # (see Command#declare)
            def declare(options)
              session_options(options)
            end

            private

            def run
              good_credentials
              take_place
            end

            # The program takes the place of this process, so that signals and its exit status are its own.
            def take_place
              ::Process.exec(session.env, [@program, @program], *@words)
            rescue ::Errno::ENOENT => _e
              missing
            rescue ::SystemCallError => e
              refused(e.message)
            end

            # Ruby says the same of a file in PATH that is not executable and of an interpreter that does not exist.
            def missing
              files = files_of_that_name
              return refused('the interpreter that its first line names does not exist') if files.any? { |file| ::File.executable?(file) }
              return refused("#{files.first.inspect} is not executable") if files.any?

              output.note("lex-identity-aws: There is no program #{@program.inspect}.")
              :not_found
            end

            def files_of_that_name
              folders = @program.include?('/') ? [nil] : ::ENV.fetch('PATH', '').split(::File::PATH_SEPARATOR)
              folders.map { |folder| [folder, @program].compact.join('/') }.select { |path| ::File.file?(path) }
            end

            def refused(reason)
              output.note("lex-identity-aws: #{@program.inspect} cannot be run: #{reason}.")
              :not_executable
            end
          end
        end
      end
    end
  end
end
