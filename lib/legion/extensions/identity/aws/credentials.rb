# frozen_string_literal: true

require_relative 'internal/native'
require_relative 'internal/redacted'
require_relative 'internal/secret'

module Legion
  module Extensions
    module Identity
      module Aws
        # AWS credentials: frozen, equal by content, printed without the secrets, never serialised.
        #
        # aws-sdk-ruby takes them wherever it takes credentials. They are not refreshed: for that pass a {Session}, or
        # {Identity.current_credentials}. The secrets are in native memory, which is wiped when Ruby collects the object; each call of
        # {#secret_access_key} and {#session_token} makes a String of Ruby, which cannot be wiped.
        class Credentials
          include Internal::Redacted

          # @return [String, nil] not a secret: AWS writes it into every log
          attr_reader :access_key_id
          # @return [Time, nil] in UTC, as AWS said it; nil where it is not known, and for keys that do not expire
          attr_reader :expiration
          # @return [String, nil] twelve digits, where the source names the account
          attr_reader :account_id
          # @return [String, nil] the provider they came from, such as `environment` or `profile prod`
          attr_reader :source
          # @return [String, nil] the region of the session they are from
          attr_reader :region
          # @return [String, nil] why they are served although a refresh was due; nil if none was
          attr_reader :degraded
          # @return [Hash{Symbol => String}] what else AWS returned with them, no secrets, frozen: `assumed_role_arn`, `assumed_role_id`,
          #   `session_token_size` (bytes), `session_token_utilization` (percent of the largest), `packed_policy_size` (percent),
          #   `source_identity`; of a web identity `subject`, `audience` and `provider` too
          attr_reader :details
          # @return [Integer] number of the fetch in its session; 0 if made without one
          # @api private
          attr_reader :serial

          # Credentials from what {Internal::Native::Session} returns.
          #
          # @api private
          # @param fields [Hash{Symbol => Object}]
          # @return [Credentials]
          def self.from_native(fields)
            seconds = fields[:expiration]
            new(fields[:access_key_id], fields[:secret_access_key], fields[:session_token],
                expiration: seconds && ::Time.at(seconds).utc,
                **fields.slice(:account_id, :source, :region, :degraded, :details, :serial))
          end

          # @param access_key_id [String, nil]
          # @param secret_access_key [String, nil]
          # @param session_token [String, nil]
          # @param account_id [String, nil]
          # @param expiration [Time, nil]
          # @param source [String, nil]
          # @param region [String, nil]
          # @param degraded [String, nil]
          # @param details [Hash]
          # @param serial [Integer]
          # @raise [ArgumentError] for a secret that is not UTF-8, and an expiration that is no Time
          def initialize(access_key_id, secret_access_key, session_token = nil, # rubocop:disable Metrics/ParameterLists
                         account_id: nil, expiration: nil, source: nil, region: nil, degraded: nil, details: {}, serial: 0)
            secret_access_key = Internal::Secret.new(secret_access_key)
            session_token = Internal::Secret.new(session_token)
            raise ::ArgumentError, "expiration is of class #{expiration.class}. Give a Time." unless expiration.nil? || expiration.is_a?(::Time)

            @access_key_id = access_key_id.dup.freeze
            @secret_access_key = native(secret_access_key)
            @session_token = native(session_token)
            @account_id = account_id
            @expiration = expiration&.dup&.freeze
            @source = source
            @region = region
            @degraded = degraded
            @details = details.dup.freeze
            @serial = serial
            freeze
          end

          # @return [String, nil] the secret; a new String each time
          def secret_access_key = @secret_access_key&.expose

          # @return [String, nil] a secret too; a new String each time; nil for keys that do not expire
          def session_token = @session_token&.expose

          # @return [Boolean] whether a request can be signed with them
          def set? = !access_key_id.to_s.empty? && @secret_access_key&.empty? == false

          # @return [Boolean] whether they have expired; false where {#expiration} is nil
          def expired? = !expiration.nil? && ::Time.now >= expiration

          # aws-sdk-ruby calls this on every credential provider, and takes these for one.
          #
          # @return [Credentials] itself
          def credentials = self

          # aws-sdk-core from 3.220 on calls this at every request, for its user agent.
          #
          # @return [Array<String>] empty
          def metrics = []

          # @return [Credentials] itself: a copy would hold the secrets once more
          def dup = self

          # @return [Credentials] itself
          def clone(**) = self

          # @param other [Object]
          # @return [Boolean]
          def ==(other)
            other.is_a?(Credentials) && fields == other.fields
          end
          alias eql? ==

          # @return [Integer]
          def hash = [Credentials, access_key_id, expiration].hash

          # @api private
          # @return [Hash{Symbol => Object}] the keys and their account, the secrets native
          def keys
            { access_key_id: access_key_id, secret_access_key: @secret_access_key, session_token: @session_token, account_id: account_id }
          end

          # @return [String] with key id, expiration and source, and without the secrets
          def inspect
            known = { expiration: expiration, source: source }.compact.map { |name, value| " #{name}=#{value.inspect}" }
            "#<#{self.class} access_key_id=#{access_key_id.inspect}#{known.join}>"
          end

          protected

          def fields = [*keys.values, expiration]

          private

          # @param secret [Internal::Secret]
          # @return [Internal::Native::SecretText, nil]
          def native(secret)
            return secret.value if secret.value.nil? || secret.value.is_a?(Internal::Native::SecretText)

            Internal::Native::SecretText.new(secret.value)
          end
        end
      end
    end
  end
end
