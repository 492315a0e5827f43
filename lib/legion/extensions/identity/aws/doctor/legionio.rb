# frozen_string_literal: true

require_relative '../legionio/settings_files'
require_relative '../legionio/legion_phase'
require_relative 'finding'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # LegionIO: which one, when it loads us, and, inside of it, whether it knows us.
          #
          # @api private
          class LegionIO
            # @param files [Aws::LegionIO::SettingsFiles, nil] nil: read where they are needed
            def initialize(files = nil)
              @files = files
            end

            # @return [Array<Finding>]
            def findings
              return [ok('version', 'LegionIO is not installed here', status: :skipped)] unless inside? || installed.any? || files.files.any?

              [version, *unreadable, phase, *(inside? ? [registration, *leases] : [])]
            end

            private

            def inside? = defined?(::Legion::Identity::Resolver) ? true : false

            def files = @files ||= Aws::LegionIO::SettingsFiles.new

            def ok(name, what, status: :ok, **details) = Finding.of('legionio', name, what, status: status, **details)

            def warning(name, what, remedy, **details) = Finding.of('legionio', name, what, status: :warn, remedy: remedy, **details)

            def version
              return ok('version', "#{::Legion::VERSION}, this process") if defined?(::Legion::VERSION)
              return ok('version', 'settings are here, the gem legionio is not', status: :skipped) if installed.empty?

              ok('version', "#{installed.join(', ')} installed; this process is another program", installed: installed.join(', '))
            end

            def installed
              return [] unless defined?(::Gem::Specification)

              @installed ||= ::Gem::Specification.find_all_by_name('legionio').map { |spec| spec.version.to_s }
            rescue ::StandardError => _e # a damaged specification is RubyGems' to complain of
              []
            end

            def unreadable
              return [] if loaded_settings

              files.unreadable.map do |path, why|
                warning('settings file', "#{path} is left out: #{why}", 'Correct the file; LegionIO leaves it out too.', path: path)
              end
            end

            def phase
              found = Aws::LegionIO::LegionPhase.new(loaded_settings || files.settings)
              setting = Aws::LegionIO::LegionPhase.setting_as_json
              return warning('phase', "LegionIO does not use this gem: #{found.reason}", 'Remove that setting if it should.', phase: nil) if found.phase.nil?

              what = "LegionIO loads this gem in phase #{found.phase} (#{found.reason})"
              return ok('phase', what, phase: 0, setting: setting) if found.zero?

              warning('phase', "#{what}: it works, but what LegionIO does before has no AWS identity",
                      "Run `lex-identity-aws legionio --write`, or put #{setting} into LegionIO's settings.", phase: found.phase, setting: setting)
            end

            # As they are in this process; nil where it has none.
            def loaded_settings
              return unless defined?(::Legion::Settings) && ::Legion::Settings.respond_to?(:loader) && ::Legion::Settings.loader

              %i[extensions role identity].to_h { |key| [key, ::Legion::Settings[key]] }
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

            # Of the process's own credentials, and of each of `identity.aws.roles`.
            def leases
              return [ok('Broker', 'not loaded yet', status: :skipped)] unless defined?(::Legion::Identity::Broker)

              qualifiers = [:default, *::Legion::Identity::Broker.credentials_available(:aws)].uniq
              qualifiers.flat_map { |qualifier| [lease(qualifier), renewer(qualifier)] }
            rescue ::StandardError => e
              [failed('Broker', e)]
            end

            def lease(qualifier)
              name = "lease #{qualifier}"
              lease = ::Legion::Identity::Broker.lease_for(:aws, qualifier: qualifier)
              return ok(name, lease.expires_at ? "good until #{lease.expires_at.utc}" : 'good, and does not end') if lease&.valid?

              warning(name, lease ? 'Broker has one for :aws that is no longer valid' : 'Broker has none for :aws',
                      'It gets one when the identity is first resolved; what hinders that is among the sources, network and role above.')
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
