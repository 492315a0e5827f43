# frozen_string_literal: true

require_relative 'provider'
require_relative 'token_file'
require_relative 'tokens'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          autoload :TokenLease, "#{__dir__}/token_lease.rb"

          # What LegionIO's Broker asks for one of `identity.aws.tokens`.
          #
          # @api private
          class TokenProvider
            # What a token is made of: the session and the request. Where one of them is replaced, the lease is.
            Origin = ::Struct.new(:session_id, :request)
            private_constant :Origin

            # @param name [Symbol]
            # @param sync [#wake]
            # @yieldparam role [Symbol, nil] nil: the process's own
            # @yieldreturn [Provider] of the credentials that the token is made with
            def initialize(name, sync, &providers)
              @name = name
              @sync = sync
              @providers = providers
              @origin = nil
            end

            # Compares the settings.
            #
            # @return [Session] the one in force that makes the token
            # @raise [Error] where the settings cannot be used; then no lease is of them
            def current
              @origin = nil
              request = Tokens.request(@name)
              session = @providers.call(request.role).current
              @origin = origin(session, request)
              session
            end

            # @param lease [Object, nil]
            # @return [Boolean] whether it is a lease of what {current} found
            def leased?(lease) = lease.is_a?(TokenLease) && lease.of?(@origin)

            # @return [TokenLease]
            # @raise [Error]
            def provide_token
              request = Tokens.request(@name)
              @providers.call(request.role).lease { |session| lease(session, request) }
            ensure
              @sync.wake
            end

            # @return [String]
            def inspect = "#<#{self.class} #{@name}>"

            private

            def lease(session, request)
              token = request.take(session)
              TokenFile.write(request.file, token) if request.file
              TokenLease.new(token, origin(session, request))
            end

            def origin(session, request) = Origin.new(session.object_id, request)
          end
        end
      end
    end
  end
end
