# frozen_string_literal: true

require_relative '../legionio/settings_files'
require_relative 'no_prompt'
require_relative 'output'
require_relative 'session_options'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # A command of the program. Each is a file of cli/commands/ that bears its name, with a subclass that bears it too and says
          # what it does ({SUMMARY}), where --help lists it ({POSITION}), which options it takes ({#declare}), and how it runs ({#run}).
          #
          # @abstract
          # @api private
          class Command
            # What it does, in a few words.
            SUMMARY = ''
            # Its place in the list of --help.
            POSITION = 0
            # Whether it also runs where the native library cannot be loaded.
            WITHOUT_LIBRARY = false
            # Whether it prints text also in a pipe, where others print JSON.
            TEXT_IN_PIPES = false
            # The words that it takes beside its options, as --help shows them; nil for none.
            WORDS = nil
            # What the first of them may be, an Array; nil where that is not known.
            FIRST_WORDS = nil
            # Whether its options end at the first word, which begins another command line.
            STOPS_AT_WORD = false

            FOLDER = "#{__dir__}/commands".freeze
            private_constant :FOLDER

            class << self
              # @return [Array<Class>] every command, as --help lists them
              def all
                ::Dir.glob("#{FOLDER}/*.rb").each { |file| require file }
                subclasses.sort_by { |command| command.const_get(:POSITION, false) }
              end

              # Loads the file of one command alone.
              #
              # @param name [String]
              # @return [Class, nil]
              def find(name)
                file = "#{FOLDER}/#{name}.rb"
                return unless name.match?(/\A\w+\z/) && ::File.file?(file)

                require file
                subclasses.find { |command| command.command_name == name }
              end

              # @return [String] its name on the command line
              def command_name = name.to_s.split('::').fetch(-1).downcase
            end

            def initialize
              @session_options = Internal::Secret.new({})
              @legionio = true
            end

            # @return [String]
            def name = self.class.command_name

            # Takes the words beside its options.
            #
            # @param words [Array<String>]
            # @return [void]
            # @raise [ArgumentError] for those that it does not take
            def take(words)
              raise ::ArgumentError, "#{name} takes no #{words.first.inspect}." if words.any?
            end

            # Declares its options; each sets an instance variable that {#run} reads.
            #
            # @param options [OptionParser]
            # @return [void]
            def declare(options)
              form_options(options)
            end

            # @param stdin [IO]
            # @param stdout [IO]
            # @param stderr [IO]
            # @param library_error [LoadError, nil] why the native library cannot be loaded
            # @return [Symbol] a key of {STATUSES}
            def call(stdin, stdout, stderr, library_error = nil)
              @stdin = stdin
              @output = Output.new(stdout, stderr, @form || (:text if self.class::TEXT_IN_PIPES))
              @library_error = library_error
              run
            end

            private

            attr_reader :output

            # @return [Symbol] a key of {STATUSES}
            def run = raise(::NotImplementedError, "#{self.class} does not define run")

            # The options of a command that makes a session.
            def session_options(options)
              options.on('--no-legionio', "leave out identity.aws of LegionIO's settings files") { @legionio = false }
              SessionOptions.declare(options, @session_options)
            end

            # The options of a command that prints text or JSON.
            def form_options(options)
              where = self.class::TEXT_IN_PIPES ? [nil, 'the default'] : ['the default in a pipe', 'the default on a terminal']
              options.on('--format FORMAT', %w[text json], 'text: for reading; json: for programs') { |form| @form = form.to_sym }
              { json: ['for programs', where.first], text: ['for reading', where.last] }.each do |form, remarks|
                options.on("--#{form}", remarks.compact.join('; ')) { @form = form }
              end
            end

            # LegionIO's settings files; nil with --no-legionio. A file that cannot be read is said: without it the identity may be another.
            def settings_files
              @settings_files ||= Aws::LegionIO::SettingsFiles.new.tap { |files| note_unreadable(files) } if @legionio
            end

            def note_unreadable(files)
              files.unreadable.each { |path, why| output.note("lex-identity-aws: the settings file #{path} is left out: #{why}. Correct it.") }
            end

            # The session LegionIO would make on this machine, with the options of the command line on top.
            def session = @session ||= session_of(@session_options)

            # @param given [Internal::Secret] a Hash of options
            def session_of(given)
              options = Internal::Secret.new({ token_provider: token_provider, **given.value })
              session = Session.from_layers(Internal::Layers.of(options, settings: settings_files&.identity_aws))
              session.warnings.each { |warning| output.note("lex-identity-aws: #{warning}") }
              session
            end

            # The credentials to hand on.
            def good_credentials
              credentials = session.credentials
              return credentials unless credentials.expired?

              raise NoCredentialsError, "The credentials of #{credentials.source} have expired. See lex-identity-aws doctor."
            end

            # Prompts for MFA codes where standard input is a terminal. That of a credential_process is not.
            def token_provider
              return TerminalTokenProvider.new if @stdin.tty?

              NoPrompt.new('standard input is no terminal to ask for it', 'Run it in a terminal, or take credentials that need no code.')
            end
          end
        end
      end
    end
  end
end
