# frozen_string_literal: true

require_relative '../../internal/utc'
require_relative '../command'
require_relative '../time_left'

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

            # (see Command#declare)
            def declare(options)
              form_options(options)
              options.on('--no-legionio', "leave out identity.aws of LegionIO's settings files") { @legionio = false }
              options.on('--profile NAME', 'the profile to mark, in place of the one in force') { |name| @session_options.value[:profile] = name }
            end

            private

            def run
              profiles = ProfileSummary.all(layers)
              if output.json?
                output.json(profiles.map { |profile| data(profile) })
              elsif profiles.empty?
                output.note('There are no profiles here.')
              else
                output.table(['', 'PROFILE', 'KIND', 'REGION', 'CREDENTIALS'], profiles.map { |profile| row(profile) })
                output.text(['', *mark]) if profiles.any? { |profile| in_force?(profile) }
              end
              :done
            end

            def data(profile)
              { **profile.to_h, cached_until: Internal::Utc.text(profile.cached_until), in_force: in_force?(profile) }
            end

            def row(profile)
              [in_force?(profile) ? '*' : '', profile.name, profile.kind.to_s.tr('_', ' '), profile.region.to_s, state(profile)]
            end

            def state(profile)
              return "cannot work: #{profile.reason}" unless profile.could_work?

              device = profile.needs.find { |need| need[:type] == :mfa }
              cached = profile.cached_until
              [profile.role_arns.last || 'could work', *("asks for an MFA code of #{device[:name]}" if device),
               *("cached, #{TimeLeft.of(cached)} left" if cached)].join('; ')
            end

            def in_force?(profile) = profile.name == in_force[:name]

            def mark
              origin = in_force[:origin]
              line = origin ? "* in force (#{origin})" : '* in force, since no profile is named'
              in_force[:is_used] ? line : "#{line}; its credentials are not used, since another source comes before it: see lex-identity-aws doctor"
            end

            def layers = Internal::Layers.of(@session_options, settings: settings_files&.identity_aws)

            def in_force
              @in_force ||= Internal::Native.profile_in_force(Internal::Layers.opened(layers))
            rescue ConfigurationError => e # the list does not depend on them
              output.note("The settings cannot be used, so no profile is marked: #{e.message}")
              @in_force = { name: nil, origin: nil, is_used: true }
            end
          end
        end
      end
    end
  end
end
