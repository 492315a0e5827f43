# frozen_string_literal: true

require_relative '../internal/redacted'
require_relative 'current_session'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # What {Identity.current_credentials} returns: one object for the life of the process that follows refreshes and changed
          # settings. aws-sdk-ruby takes it as a provider; read directly it shows the newest credentials.
          #
          # Each reader is for itself: to use key, secret and token together, take them from one {#credentials}.
          class RefreshingCredentials
            include Internal::Redacted

            # Seconds for which settings that were compared count as unchanged: to compare them costs as much as a hundred reads.
            SETTINGS_AGE = 1.0
            private_constant :SETTINGS_AGE

            # @api private
            # @param current_session [CurrentSession]
            # @param sync [#wake, nil] woken each time the settings have been compared
            def initialize(current_session, sync = nil)
              @current_session = current_session
              @sync = sync
            end

            # @return [Credentials] the newest, frozen; waits only where a {Session} waits
            # @raise [Error]
            def credentials
              loop do
                session = session_in_force
                credentials = session.credentials
                return credentials if session_in_force.equal?(session) # the settings may have changed while it waited
              end
            end

            # @return [String]
            # @raise [Error]
            def access_key_id = credentials.access_key_id

            # @return [String] the secret
            # @raise [Error]
            def secret_access_key = credentials.secret_access_key

            # @return [String, nil] a secret too
            # @raise [Error]
            def session_token = credentials.session_token

            # @return [Time, nil] in UTC; nil where it is not known, and for keys that do not expire
            # @raise [Error]
            def expiration = credentials.expiration

            # @return [String, nil]
            # @raise [Error]
            def account_id = credentials.account_id

            # @return [Boolean] whether they have expired: only an outage makes that possible
            # @raise [Error]
            def expired? = credentials.expired?

            # @return [Boolean] whether there are credentials; false where none are configured
            # @raise [Error] where some are, and they cannot be had
            def set? = session_in_force.set?

            # @return [Array<String>] empty
            def metrics = []

            # Fetches new ones; see {Session#refresh!}.
            #
            # @return [Credentials]
            # @raise [Error] if it fails
            def refresh! = session_in_force.refresh!

            # Says that a key is no good any more; see {Session#invalidate}.
            #
            # @param access_key_id [String]
            # @return [Boolean] whether it was the key held
            def invalidate(access_key_id) = session_in_force.invalidate(access_key_id)

            # @return [String] shows the key id that is held, without a wait
            def inspect
              held = @current_session.held&.credentials(fetch: false)
              "#<#{self.class} access_key_id=#{held&.access_key_id.inspect}>"
            end

            private

            def session_in_force = @current_session.current(max_age: SETTINGS_AGE) { @sync&.wake }
          end
        end
      end
    end
  end
end
