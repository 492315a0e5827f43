# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/layers'
require_relative '../internal/lazy'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          autoload :VaultSync, "#{__dir__}/vault_sync.rb"

          # Stands for {VaultSync}, which is loaded and made where the settings have `identity.aws.vault`: most processes have none.
          #
          # @api private
          class Vault
            # @param provider [Provider] of the process's own credentials
            def initialize(provider)
              @provider = provider
              @making = ::Mutex.new
            end

            # See {VaultSync#login}.
            #
            # @return [void]
            def login
              @begun = true
              sync&.login
            end

            # See {VaultSync#wake}. Does nothing before {#login}.
            #
            # @return [void]
            def wake
              sync&.wake if @begun
            end

            private

            def sync
              return @sync if @sync || Internal::Layers.own_setting(:vault).value.nil?

              @making.synchronize { @sync ||= Internal::Lazy.load(LegionIO, :VaultSync).new(@provider) }
            rescue Error, ::ThreadError => _e # a trap handler, in which nothing can be loaded
              nil
            end
          end
        end
      end
    end
  end
end
