# frozen_string_literal: true

require_relative 'tokens'

module Legion
  module Extensions
    module Identity
      module Aws
        module Testing
          # Answers the methods of {Internal::Native::Session} that ask AWS or report on it.
          #
          # @api private
          class Stub
            # The methods of {Internal::Native::Session} that stay as they are.
            OWN = %i[settings warnings inspect].freeze
            # The answer of {Session#counters}.
            COUNTERS = { fetches: 0, cached: 0, failures: 0, back_offs: 0, last_duration: nil, age: nil }.freeze
            # The fields of credentials that a stub may set.
            FIELDS = %i[access_key_id secret_access_key session_token expiration account_id region].freeze
            # The fields of an identity that a stub may set.
            IDENTITY_FIELDS = [*CallerIdentity.members, :milliseconds].freeze

            # @return [Integer]
            attr_reader :number

            # @param number [Integer]
            # @param identity [Object]
            # @param credentials [Object]
            # @param events [#call] gives the events there were
            def initialize(number, identity, credentials, events)
              @number = number
              @credentials = answer_to(credentials)
              @principal = principal_of(identity)
              @answers = { held: -> { @credentials if @credentials.is_a?(::Hash) }, known: -> { @principal if @principal.is_a?(::Hash) },
                           serial: -> { serial_of(@credentials) }, start: ->(_, purpose, _) { start(purpose) },
                           identity_serial: -> { serial_of(@principal) },
                           invalidate: ->(id) { @credentials.is_a?(::Hash) && @credentials[:access_key_id] == id },
                           events: ->(after) { events.call.select { |event| event[:number] > after } }, attempts: -> { nothing }, counters: -> { COUNTERS } }
            end

            # @param native [Internal::Native::Session] the session that is asked
            # @param verb [Symbol]
            # @param arguments [Array]
            # @return [Object] nil or false for methods that only start or change something
            def answer(native, verb, arguments)
              answer = @answers[verb]
              return answer.call(*arguments) if answer
              return Tokens.public_send(verb, native, must(@credentials), must(@principal), *arguments) if Tokens.respond_to?(verb)

              false if %i[wait_for_fetch needs_refresh?].include?(verb)
            end

            # What a listener is told of this stub: it renews the credentials, or its error is a failed refresh.
            #
            # @param attempt [Integer] of a failure
            # @return [Hash{Symbol => Object}]
            def event(attempt)
              renewed = @credentials.is_a?(::Hash)
              { number: number, type: renewed ? :refreshed : :refresh_failed, at: ::Time.now.to_f, attempt: renewed ? 0 : attempt,
                access_key_id: (@credentials[:access_key_id] if renewed), expiration: (@credentials[:expiration] if renewed),
                reason: (reason unless renewed) }
            end

            private

            def nothing = []

            def no_details = {}

            # A prefetch starts nothing.
            def start(purpose)
              return false if purpose == :prefetch

              serial_of(purpose == :identity ? @principal : @credentials)
            end

            def serial_of(answer)
              must(answer)
              number
            end

            def must(answer) = answer.is_a?(::Hash) ? answer : raise(answer)

            def reason = @credentials.is_a?(::Class) ? @credentials.name : @credentials.message

            def answer_to(given)
              case given
              when nil then NoCredentialsError.new('There are no credentials: Testing.stub(credentials: nil).')
              when Credentials then fetched(FIELDS.to_h { |name| [name, given.public_send(name)] })
              when ::Hash then fetched(CREDENTIALS.merge(expiration: ::Time.now + 3600).merge(known(given, FIELDS, 'credentials')))
              else error(given, 'credentials')
              end
            end

            def known(given, fields, name)
              unknown = given.keys - fields
              raise ::ArgumentError, "#{name} has no field #{unknown.first.inspect}. There are #{fields.join(', ')}." if unknown.any?

              given
            end

            def fetched(fields)
              { serial: number, account_id: '123456789012', source: 'stub', region: 'us-east-1', degraded: nil, details: no_details, **fields,
                expiration: fields[:expiration]&.to_i }.freeze
            end

            def principal_of(given)
              case given
              when nil then NotOnAwsError.new('This is not AWS: Testing.stub(identity: nil).')
              when ::String then principal(arn: given)
              when ::Hash then principal(**known(given, IDENTITY_FIELDS, 'identity'))
              else error(given, 'identity')
              end
            end

            def principal(arn: IDENTITY, user_id: 'AROASTUBSTUBSTUBSTUBS:stubbed-session', **others)
              { region: 'us-east-1', source: 'stub', milliseconds: 0, **Internal::Native.principal(arn, user_id), **others, serial: number }.freeze
            end

            def error(given, name)
              return given if given.is_a?(::Exception) || (given.is_a?(::Class) && given <= ::Exception)

              raise ::ArgumentError, "#{name} is of class #{given.class}; see Testing.stub for what it takes."
            end
          end
          private_constant :Stub
        end
      end
    end
  end
end
