# frozen_string_literal: true

require_relative '../command'
require_relative '../completion_scripts'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws completion`
          #
          # The scripts ask the program at each TAB, so that they know its commands also after an update.
          #
          # @api private
          class Completion < Command
            # (see Command::SUMMARY)
            SUMMARY = 'a script that completes command lines, for a shell'
            # (see Command::POSITION)
            POSITION = 9
            # (see Command::WORDS)
            WORDS = 'bash|zsh|fish'
            # (see Command::FIRST_WORDS)
            FIRST_WORDS = %w[bash zsh fish].freeze
            # (see Command::STOPS_AT_WORD)
            STOPS_AT_WORD = true
            # (see Command::WITHOUT_LIBRARY)
            WITHOUT_LIBRARY = true

            # What the scripts ask.
            ASKED = 'candidates'
            private_constant :ASKED

            # (see Command#take)
            def take(words)
              @shell, *@words = words
              return if @shell == ASKED
              raise ::ArgumentError, "completion takes one of: #{FIRST_WORDS.join(', ')}." unless FIRST_WORDS.include?(@shell)
              raise ::ArgumentError, "completion #{@shell} takes no #{@words.first.inspect}." if @words.any?
            end

            # Declares none.
            #
            # @param _options [OptionParser]
            # @return [void]
            def declare(_options) = nil

            private

            def run
              @shell == ASKED ? output.tabbed(candidates) : output.print(CompletionScripts::ALL.fetch(@shell))
              :done
            end

            def candidates
              require_relative '../candidates'
              Candidates.new(@words).rows
            end
          end
        end
      end
    end
  end
end
