# frozen_string_literal: true

require_relative '../legionio/installed'
require_relative '../legionio/phase_zero'
require_relative '../legionio/roles'
require_relative '../legionio/runtime'
require_relative '../legionio/settings_files'
require_relative '../legionio/tokens'
require_relative 'finding'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # LegionIO: its version, the phase it loads this gem in, and inside of LegionIO registration, leases and renewers.
          #
          # @api private
          class LegionIO
            GEM_NAME = 'lex-identity-aws'
            LIST_IT = 'Install it for the Ruby of LegionIO, and look at extensions.blocked and role.profile in the settings.'
            private_constant :GEM_NAME, :LIST_IT

            # @param files [Aws::LegionIO::SettingsFiles, nil] nil: they are read if needed
            def initialize(files = nil)
              @files = files
            end

            # @return [Array<Finding>]
            def findings
              return [version, *unreadable, phase, registration, *leases] if inside?
              return [ok('version', 'LegionIO is not installed here', status: :skipped)] if absent?

              [version, *unreadable, entry]
            end

            # @return [Boolean] whether LegionIO is here, does not run in this process, and its settings lack the entry for phase 0
            def lacks_entry? = !inside? && !absent? && !Aws::LegionIO::PhaseZero.in?(files.settings)

            # @return [Aws::LegionIO::SettingsFiles]
            def files = @files ||= Aws::LegionIO::SettingsFiles.new

            private

            def inside? = defined?(::Legion::Identity::Resolver) ? true : false

            def absent? = installed.empty? && files.files.empty? && files.unreadable.empty?

            def ok(name, what, status: :ok, **details) = Finding.of('legionio', name, what, status: status, **details)

            def warning(name, what, remedy, **details) = Finding.of('legionio', name, what, status: :warn, remedy: remedy, **details)

            def version
              return ok('version', "#{::Legion::VERSION}, this process") if defined?(::Legion::VERSION)
              return ok('version', 'settings are here, the gem legionio is not', status: :skipped) if installed.empty?

              ok('version', "#{installed.join(', ')} installed; this process is another program", installed: installed.join(', '))
            end

            def installed = @installed ||= Aws::LegionIO::Installed.versions

            def unreadable
              files.unreadable.map do |path, why|
                warning('settings file', "#{path} is left out: #{why}", 'Correct the file; LegionIO leaves it out too.', path: path)
              end
            end

            # As LegionIO's registry of extensions has it.
            def phase
              return warning('phase', 'LegionIO does not use this gem: its settings say enabled: false', 'Remove that setting if it should.') unless enabled?

              extension = ::Legion::Extensions.find_extensions.find { |entry| entry[:gem_name] == GEM_NAME }
              return warning('phase', 'LegionIO does not list this gem among its extensions', LIST_IT) unless extension
              return ok('phase', 'LegionIO loads this gem in phase 0', phase: 0) if extension[:category] == :identity

              warning('phase', 'LegionIO loads this gem in phase 1: it works, but what LegionIO does before has no AWS identity', write_it, phase: 1)
            rescue ::StandardError => e
              failed('phase', e)
            end

            def enabled? = Aws::LegionIO::Runtime.enabled?

            # Reads the settings files where LegionIO does not run in this process; what it would make of them is not known here.
            def entry
              details = { files: files.files.join(', '), setting: Aws::LegionIO::PhaseZero.json }
              read = files.files.empty? ? 'no settings file of LegionIO was found' : "read #{files.files.join(', ')}"
              return ok('phase', "#{read}: the entry for phase 0 is there", **details) if Aws::LegionIO::PhaseZero.in?(files.settings)

              warning('phase', "#{read}: the entry for phase 0 is not there, so LegionIO 1.9 loads this gem in phase 1 unless told otherwise; " \
                               'what LegionIO does before has no AWS identity then', write_it, **details)
            end

            def write_it
              "Run `lex-identity-aws doctor --fix` or `lex-identity-aws legionio --write`, or put #{Aws::LegionIO::PhaseZero.json} into LegionIO's settings."
            end

            def registration
              resolver = ::Legion::Identity::Resolver
              ours = resolver.providers.find { |provider| provider.provider_name == :aws }
              remedy = 'Require legion/extensions/identity/aws once LegionIO is loaded, or call Legion::Extensions::Identity::Aws.autobuild.'
              return warning('registration', 'the Resolver does not know the provider :aws', remedy) unless ours
              return warning('registration', "the provider :aws is #{ours}, not this gem's", 'Remove the other one.') unless ours == Identity

              ok('registration', "the Resolver knows the provider :aws; its last answer: #{answer(resolver)}")
            rescue ::StandardError => e
              failed('registration', e)
            end

            def answer(resolver)
              composite = resolver.composite
              composite.is_a?(::Hash) ? composite.dig(:providers, :aws, :status) || 'none' : 'none yet'
            end

            # The leases of the process's own credentials and of each of `identity.aws.roles` and `identity.aws.tokens`.
            def leases
              return [ok('Broker', 'not loaded yet', status: :skipped)] unless defined?(::Legion::Identity::Broker)

              qualifiers = [:default, *configured, *::Legion::Identity::Broker.credentials_available(:aws)].uniq
              qualifiers.flat_map { |qualifier| [lease(qualifier), renewer(qualifier)] }
            rescue ::StandardError => e
              [failed('Broker', e)]
            end

            def configured
              return [] unless Aws::LegionIO::Runtime.enabled?

              Aws::LegionIO::Roles.names - Aws::LegionIO::Tokens.clashes + Aws::LegionIO::Tokens.names
            end

            def lease(qualifier)
              name = "lease #{qualifier}"
              lease = ::Legion::Identity::Broker.lease_for(:aws, qualifier: qualifier)
              return ok(name, validity(lease)) if lease&.valid?

              warning(name, lease ? 'Broker has one for :aws that is no longer valid' : 'Broker has none for :aws',
                      'It gets one when the identity is first resolved; see sources, network, role and token above for what prevents that.')
            end

            # Temporary keys in a file may come without their expiration.
            def validity(lease)
              return "valid until #{lease.expires_at.utc}" if lease.expires_at
              return 'valid; when its temporary keys expire is not known' if lease.respond_to?(:credentials) && lease.credentials.keys[:session_token]

              'valid, and does not expire'
            end

            def renewer(qualifier)
              name = "renewer #{qualifier}"
              renewer = ::Legion::Identity::Broker.renewer_for(:aws, qualifier: qualifier)
              return ok(name, 'there is none', status: :skipped) unless renewer
              return ok(name, 'alive') if renewer.alive?

              warning(name, 'its thread has ended, so the lease is not renewed (after a fork, or an exception that is no StandardError)',
                      'Restart LegionIO in the foreground, not with -d.')
            end

            def failed(name, error)
              warning(name, "cannot be asked: #{error.class}", 'Check that the version of LegionIO is 1.9 or newer.')
            end
          end
        end
      end
    end
  end
end
