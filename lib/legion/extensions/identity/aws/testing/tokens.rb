# frozen_string_literal: true

require 'json'
require_relative '../internal/native'

module Legion
  module Extensions
    module Identity
      module Aws
        module Testing
          # The tokens of a stub. What they are asked with is checked by the core, as without a stub.
          #
          # @api private
          module Tokens
            # The answers are those of the core itself, not those of a stub.
            CORE = %i[serial presigned identity_token].to_h { |verb| [verb, Internal::Native::Session.instance_method(verb)] }.freeze
            # The address of AWS in `iss`. No account has it, so no system that checks it takes the token.
            ISSUER = 'https://00000000-0000-0000-0000-000000000000.tokens.sts.global.api.aws'
            # Signs nothing: a system that checks the signature refuses it.
            SIGNATURE = 'stubbed-signature'
            private_constant :CORE, :ISSUER, :SIGNATURE

            class << self
              # A token as AWS would sign it for the identity of the stub.
              #
              # @param native [Internal::Native::Session] the session that is asked
              # @param _credentials [Hash]
              # @param principal [Hash]
              # @param words [Hash{Symbol => Object}]
              # @return [Hash{Symbol => Object}] as {Internal::Native::Session} gives it
              def identity_token(native, _credentials, principal, words)
                check(native, words)
                now = ::Time.now.to_i
                audience = [*words[:audience]]
                claims = { iss: ISSUER, sub: principal[:provider_arn], aud: audience.size == 1 ? audience.first : audience, iat: now,
                           exp: now + (words[:duration_seconds] || 300).to_i, jti: 'stubbed-token',
                           'https://sts.amazonaws.com/' => { aws_account: principal[:account], principal_id: principal[:arn], request_tags: words[:tags] || {} } }
                header = { alg: words[:signing_algorithm] || 'RS256', kid: 'stubbed-key', typ: 'JWT' }
                text = [header, claims].map { |part| base64url(::JSON.generate(part)) }.push(base64url(SIGNATURE)).join('.')
                { token: Internal::Native::SecretText.new(text), expiration: claims[:exp], kind: :identity }
              end

              # A token that the core presigns with the credentials of the stub.
              #
              # @param native [Internal::Native::Session] the session that is asked
              # @param credentials [Hash]
              # @param _principal [Hash]
              # @param kind [String]
              # @param words [Hash{Symbol => Object}]
              # @param region [String, nil]
              # @return [Hash{Symbol => Object}] as {Internal::Native::Session} gives it
              def presigned(native, credentials, _principal, kind, words, region)
                signer = session(native, credentials.slice(:access_key_id, :secret_access_key, :session_token).compact, credentials[:region])
                CORE[:serial].bind_call(signer)
                token = CORE[:presigned].bind_call(signer, kind, words, region)
                token.merge(expiration: [token[:expiration], credentials[:expiration]].compact.min)
              end

              private

              # The core checks the words before it looks for credentials, and here finds none.
              def check(native, words)
                CORE[:identity_token].bind_call(session(native, {}, nil), words)
              rescue NoCredentialsError => _e # the words are good
                nil
              end

              # Sends no request: it has the keys given, or none.
              def session(native, keys, region)
                options = { region: native.settings.dig(:region, :value) || region || 'us-east-1' }
                environment = { 'AWS_EC2_METADATA_DISABLED' => 'true', 'AWS_CONFIG_FILE' => ::File::NULL, 'AWS_SHARED_CREDENTIALS_FILE' => ::File::NULL }
                Internal::Native::Session.new({ options: options, settings: keys, environment: environment, deadline_cap: nil })
              end

              def base64url(text) = [text].pack('m0').tr('+/', '-_').delete('=')
            end
          end
          private_constant :Tokens
        end
      end
    end
  end
end
