# frozen_string_literal: true

require_relative '../legionio/roles'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # The files of the disk cache, of every identity that the settings name: the process's own and those of `identity.aws.roles`.
          #
          # @api private
          class CachedFiles
            # @return [Array<String>] what could not be looked at or removed, and why
            attr_reader :warnings
            # @return [String, nil] the folder of the process's own; nil where the cache is off
            attr_reader :folder

            # @param options [Internal::Secret] a Hash, those of the command line
            # @param settings [Internal::Secret, nil] `identity.aws`
            # @param roles [Boolean] whether `identity.aws.roles` are looked at
            # @param all [Boolean] whether to take every file of the folder
            def initialize(options, settings, roles:, all:)
              @options = options
              @settings = settings
              @roles = roles
              @all = all
              @warnings = []
              @files = {}
            end

            # @param clear [Boolean] whether they are removed too
            # @return [Array<Hash{Symbol => Object}>] each with `identities`, `file`, `assumed_role_arn`, `asker`, `access_key_id`, `expiration`
            #   (Time) and `unusable`
            # @raise [ConfigurationError] where the process's own settings cannot be used; with `all` for the setting `cache` alone
            def files(clear: false)
              own(clear)
              of_roles(clear) if @roles
              all(clear) if @all
              @files.values.sort_by { |file| file[:file] }
            end

            private

            def own(clear)
              found = look(@options, clear)
              @folder = found.fetch(:folder)
              add(found, 'default')
            rescue ConfigurationError => e
              raise unless @all

              @warnings << "default: #{e.message}"
            end

            def all(clear)
              found = look(@options, clear, all: true)
              @folder = found.fetch(:folder)
              add(found)
            end

            def of_roles(clear)
              Aws::LegionIO::Roles.names(@settings).each do |name|
                add(look(of_role(name), clear), "role #{name}")
              rescue ConfigurationError, ::ArgumentError => e # the latter for an option of a role that does not exist
                @warnings << "role #{name}: #{e.message}"
              end
            end

            def of_role(name)
              Internal::Secret.new({ **Aws::LegionIO::Roles.options(name, @settings) { Aws::LegionIO::Roles::NOT_ASKED }.value, **@options.value })
            end

            def look(options, clear, all: false)
              _, layers = Internal::Layers.callbacks_out_of(Internal::Layers.of(options, settings: @settings))
              found = Internal::Native.cached(Internal::Layers.opened(layers), all, clear)
              @warnings.concat(found.fetch(:warnings))
              found
            end

            def add(found, identity = nil)
              found.fetch(:files).each do |file|
                seconds = file.fetch(:expiration)
                kept = @files[file.fetch(:file)] ||= { identities: [], **file, expiration: seconds && ::Time.at(seconds).utc }
                kept[:identities] << identity if identity
              end
            end
          end
        end
      end
    end
  end
end
