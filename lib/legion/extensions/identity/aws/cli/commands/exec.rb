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
              take_place(session.env)
            end

            # The program takes the place of this process, so that signals and its exit status are its own.
            def take_place(variables)
              ::Process.exec(variables, [@program, @program], *@words)
            rescue ::Errno::ENOENT => _e
              output.note("lex-identity-aws: There is no program #{@program.inspect}.")
              :not_found
            rescue ::SystemCallError => e
              output.note("lex-identity-aws: #{@program.inspect} cannot be run: #{e.message}.")
              :not_executable
            end
          end
        end
      end
    end
  end
end
