# frozen_string_literal: true

require 'timeout'
require_relative '../errors'
require_relative 'lazy'
require_relative 'own_thread'
require_relative 'redacted'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # Calls the objects that the application gave a session: the `token_provider` for an MFA code, a callable `web_identity_token` for
          # a token, the `source` for credentials.
          #
          # They are code of the application, so each call is bounded in time and its result checked: the caller gets an answer of the right
          # kind or an {Error} without a secret.
          #
          # @api private
          class Callbacks
            include Redacted

            # What each option takes, beside nil.
            TAKES = {
              token_provider:     'a callable, such as Legion::Extensions::Identity::Aws::TerminalTokenProvider.new',
              web_identity_token: 'a String or a callable',
              source:             'a Session, a Credentials or a credential provider of aws-sdk-ruby'
            }.freeze
            # Exceptions of a callback that become a {NoCredentialsError}. On a reader's thread all others (Thread#kill, Timeout, Interrupt) are
            # meant for the reader and pass through.
            FOREIGN = [::StandardError, ::ScriptError, ::SystemStackError, ::NoMemoryError].freeze
            private_constant :TAKES, :FOREIGN

            # A callback may rescue any StandardError, so the timeout raises an Exception that it does not rescue.
            class Overdue < ::Exception; end # rubocop:disable Lint/InheritException
            private_constant :Overdue

            class << self
              # Takes the objects out of the layers of a session: the core only learns which ones there are.
              #
              # @param layers [Hash{Symbol => Object}] see {Layers.of}
              # @return [Array(Callbacks, Hash), Array(nil, Hash)]
              # @raise [ArgumentError] for an object that cannot be called
              def out_of(layers)
                options = layers.fetch(:options).reject { |name, value| TAKES.key?(name) && blank?(value) }
                given = options.slice(*TAKES.keys).reject { |name, value| name == :web_identity_token && value.is_a?(::String) }
                given.each { |name, value| check(name, value) }
                callbacks = new(**given) unless given.empty?
                [callbacks, layers.merge(options: options.merge(given.transform_values { true }))]
              end

              private

              def blank?(value) = value.nil? || (value.is_a?(::String) && value.strip.empty?)

              def check(name, value)
                fits = name == :source ? credentials?(value) || value.respond_to?(:credentials) : value.respond_to?(:call)
                return if fits

                raise ::ArgumentError, "#{name} is of class #{value.class}; it takes #{TAKES.fetch(name)}."
              end

              def credentials?(value) = value.respond_to?(:access_key_id) && value.respond_to?(:secret_access_key)
            end

            # @param token_provider [#call, nil]
            # @param web_identity_token [#call, nil]
            # @param source [#credentials, #access_key_id, nil]
            def initialize(token_provider: nil, web_identity_token: nil, source: nil)
              given = { token_provider: token_provider, web_identity_token: web_identity_token, source: source }
              @given = ->(name) { given.fetch(name) } # a source holds secrets
              @used = {} # codes; a used one is no secret any more
            end

            # @return [Boolean] whether there is a token_provider to prompt for a code
            def token_provider? = !@given.call(:token_provider).nil?

            # @return [Session, nil] the source, where it is a Session: it bounds its own waits, and may prompt for an MFA code
            def source_session
              source = @given.call(:source)
              source if source.is_a?(Session)
            end

            # Calls the object that answers `question`, on the calling thread.
            #
            # @param question [Hash{Symbol => Object}] of {Native::Session#wait}
            # @param alone [Boolean] whether the thread is one of ours: then every exception becomes an {Error}
            # @return [Hash{Symbol => Object}] as {Native::Session#answer} takes it
            # @raise [Error]
            def ask(question, alone: false)
              limit = question.fetch(:limit)
              name = question.fetch(:name)
              answer = case name
                       when :token_code then token_code(question.fetch(:serial_number), limit, alone)
                       when :source then call(:source, :process_timeout, limit, alone) { |source| fields_of(source, **question.slice(:refused_key, :spent_key)) }
                       else text(call(name, :process_timeout, limit, alone, &:call), name, 'a token')
                       end
              { name => answer }
            end

            # @return [String]
            def inspect = "#<#{self.class}>"

            private

            # Refuses a code that was given before: AWS takes each code once.
            def token_code(serial_number, limit, alone)
              code = call(:token_provider, :token_timeout, limit, alone) { |provider| takes_none?(provider) ? provider.call : provider.call(serial_number) }
              code = text(code, :token_provider, 'the six digits that the device shows')
              refuse_used if @used.key?(code)
              @used[code] = true if code.match?(/\A\d{6}\z/) # the core sends nothing but six digits, so all else stays unused
              code
            end

            # A token_provider may do without the serial number: `-> { code }`.
            def takes_none?(provider) = (provider.is_a?(::Proc) ? provider : provider.method(:call)).arity.zero?

            # The message of a foreign exception may hold a secret, so it is the cause of our error and no part of its message.
            def call(name, limit_name, limit, alone)
              bounded(limit) { yield @given.call(name) }
            rescue Overdue => _e
              raise TimeoutError, "The #{name} gave no answer within #{limit} s (#{limit_name}). Make it faster, or allow it more time."
            rescue ::Exception => e # rubocop:disable Lint/RescueException -- on a thread of ours no caller would see it
              raise if e.is_a?(Error) || (!alone && FOREIGN.none? { |type| e.is_a?(type) })

              raise NoCredentialsError, "The #{name} raised #{e.class}. What it says is the cause of this error."
            end

            # Under a fiber scheduler that bounds no fiber, a time-out would be raised in whatever fiber of the thread runs then.
            def bounded(limit, &job)
              scheduler = ::Fiber.current_scheduler
              return ::Timeout.timeout(limit, Overdue, &job) if scheduler.nil? || scheduler.respond_to?(:timeout_after)

              OwnThread.aside { ::Timeout.timeout(limit, Overdue, &job) }
            end

            def text(answer, name, wanted)
              return refuse(name, answer.class, wanted) unless answer.is_a?(::String)

              text = answer.encode(::Encoding::UTF_8)
              return refuse(name, 'a String that is no text', wanted) unless text.valid_encoding?

              text = text.strip
              text.empty? ? refuse(name, 'a blank String', wanted) : text
            rescue ::EncodingError => _e # the message of the exception shows a part of the text
              refuse(name, 'a String that is no text', wanted)
            end

            def refuse(name, given, wanted)
              raise NoCredentialsError, "The #{name} gave #{given} in place of #{wanted}, a String."
            end

            def refuse_used
              raise NoCredentialsError, 'The token_provider gave a code that was used before, and AWS takes each code once. Have it wait until ' \
                                        'the device shows the next one, thirty seconds at most.'
            end

            # Where AWS refused the key of a source that is a Session, the Session reads its own sources again. A key that is spent is
            # refreshed, unless the source has another one by now.
            def fields_of(source, refused_key: nil, spent_key: nil)
              source.invalidate(refused_key) if refused_key && source.respond_to?(:invalidate)
              credentials = credentials_of(source)
              if spent_key && credentials&.access_key_id == spent_key && source.respond_to?(:refresh!)
                source.refresh!
                credentials = credentials_of(source)
              end
              fields = { access_key_id: credentials&.access_key_id, secret_access_key: credentials&.secret_access_key }
              missing = fields.find { |_, value| !value.is_a?(::String) || value.empty? }
              raise NoCredentialsError, "The source (#{source.class}) has no #{missing.first} just now. Check that it works by itself." if missing

              fields.merge(session_token: credentials.session_token, account_id: (credentials.account_id if credentials.respond_to?(:account_id)),
                           expiration: expiration_of(credentials, source), scoped_policies_count: scopes_of(credentials))
            end

            def credentials_of(source) = source.respond_to?(:credentials) ? source.credentials : source

            # @return [String, nil] how often a Session's credentials were scoped
            def scopes_of(credentials) = credentials.is_a?(Credentials) ? credentials.details[:scoped_policies_count] : nil

            # In aws-sdk-ruby the provider knows the expiration; the credentials do not.
            #
            # @return [Float, nil] seconds since the epoch; nil where none of the objects has an expiration
            def expiration_of(*objects)
              given = objects.filter_map { |object| object.expiration if object.respond_to?(:expiration) }.first
              seconds = seconds_of(given) unless given.nil?
              return seconds if given.nil? || seconds&.finite?

              # Taken for absent, it would be credentials that never expire.
              raise NoCredentialsError, "The source gave an expiration that is no time, of class #{given.class}. It takes a Time, DateTime, " \
                                        'ISO 8601 text or seconds since 1970.'
            end

            def seconds_of(given)
              case given
              when ::String
                Lazy.require('time')
                ::Time.iso8601(given.strip.sub(' ', 'T')).to_f
              when ::Time then given.to_f
              when ::Numeric then Float(given)
              else given.to_time.to_f if given.respond_to?(:to_time)
              end
            rescue ::ArgumentError => _e # it is no time
              nil
            end
          end
        end
      end
    end
  end
end
