# frozen_string_literal: true

require_relative '../command'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws profiles`
          #
          # @api private
          class Profiles < Command
            # (see Command::SUMMARY)
            SUMMARY = 'the profiles of the shared config files'
            # (see Command::POSITION)
            POSITION = 6

            private

            def run
              profiles = Aws.profiles
              if output.json?
                output.json(profiles.map(&:to_h))
              elsif profiles.empty?
                output.note('There are no profiles here.')
              else
                output.text(table(profiles))
              end
              :done
            end

            def table(profiles)
              rows = profiles.map { |profile| [profile.name, profile.kind.to_s, profile.region.to_s, state(profile)] }
              widths = rows.transpose.map { |column| column.map(&:length).max }
              rows.map { |row| row.zip(widths).map { |cell, width| cell.ljust(width) }.join('  ').rstrip }
            end

            def state(profile)
              return profile.role_arns.last || 'could work' if profile.could_work?

              "cannot work: #{profile.reason}"
            end
          end
        end
      end
    end
  end
end
