# frozen_string_literal: true

require_relative 'provider'
require_relative 'roles'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # What LegionIO's Broker asks for one of `identity.aws.roles`: what {Identity} is for the process's own credentials. Broker asks
          # without saying which role it means, so there is one for each.
          #
          # @api private
          class RoleProvider
            # @return [RefreshingCredentials] always the same
            attr_reader :current_credentials

            # @return [Provider]
            attr_reader :provider

            # @param name [Symbol]
            # @param sync [#wake]
            # @param own [#current] has the process's own session, which a scoped role limits
            def initialize(name, sync, own)
              @provider = Provider.new { Roles.options(name) { own.current } }
              @sync = sync
              @current_credentials = @provider.current_credentials(sync)
            end

            # @return [Lease]
            # @raise [Error]
            def provide_token
              @provider.provide_token
            ensure
              @sync.wake
            end

            # @return [String]
            def inspect = "#<#{self.class} #{@provider.inspect}>"
          end
        end
      end
    end
  end
end
