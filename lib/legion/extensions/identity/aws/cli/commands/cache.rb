# frozen_string_literal: true

require_relative '../../internal/utc'
require_relative '../cached_files'
require_relative '../command'
require_relative '../time_left'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws cache`
          #
          # @api private
          class Cache < Command
            # (see Command::SUMMARY)
            SUMMARY = 'list or clear the role credentials that are cached on disk'
            # (see Command::POSITION)
            POSITION = 7
            # (see Command::WORDS)
            WORDS = 'list|clear'

            # (see Command::FIRST_WORDS)
            FIRST_WORDS = %w[list clear].freeze

            # (see Command#take)
            def take(words)
              @verb, *rest = words
              raise ::ArgumentError, "cache takes one of: #{FIRST_WORDS.join(', ')}." unless FIRST_WORDS.include?(@verb)
              raise ::ArgumentError, "cache #{@verb} takes no #{rest.first.inspect}." if rest.any?
            end

            # (see Command#declare)
            def declare(options)
              options.on('--all', 'all that is in the folder, also what the AWS CLI wrote; else what the settings make') { @all = true }
              form_options(options)
              session_options(options)
            end

            private

            def run
              chosen = SessionOptions.chosen(@session_options).any?
              cached = CachedFiles.new(@session_options, settings_files&.identity_aws, roles: !chosen, all: @all || false)
              files = cached.files(clear: @verb == 'clear')
              output.json? ? in_json(files, cached.folder) : tell(files, cached.folder)
              cached.warnings.each { |warning| output.note("lex-identity-aws: #{warning}") }
              cached.warnings.empty? ? :done : :failed
            end

            # An empty list does not say whether there is a folder to look into.
            def in_json(files, folder)
              output.json(files.map { |file| data(file) })
              output.note("lex-identity-aws: #{nothing(folder)}") if files.empty? && folder.nil?
            end

            def data(file) = { **file, expiration: Internal::Utc.text(file[:expiration]) }

            def tell(files, folder)
              return output.text(nothing(folder)) if files.empty?

              files.each { |file| output.text("Removed: #{file[:file]}") } if @verb == 'clear'
              output.table(%w[FOR LEFT CREDENTIALS], files.map { |file| row(file) }) if @verb == 'list'
            end

            def row(file)
              expiration = file[:expiration]
              [file[:identities].join(', '), expiration ? TimeLeft.of(expiration) : 'unusable', what(file)]
            end

            def what(file)
              return "#{file[:file]}: #{file[:unusable]}" if file[:unusable]

              file[:assumed_role_arn] || (file[:asker] ? "session token of #{file[:asker]}" : file[:access_key_id])
            end

            def nothing(folder)
              return 'The cache is off here (the setting cache is not set). With --cache the folder of the AWS CLI is used.' unless folder
              return "There are no entries in #{folder}." if @all

              "There is no entry of these settings in #{folder}. --all #{@verb == 'list' ? 'shows' : 'removes'} every entry."
            end
          end
        end
      end
    end
  end
end
