# frozen_string_literal: true

require 'timeout'
require_relative '../errors'
require_relative 'dependencies'
require_relative 'lazy'
require_relative 'own_thread'
require_relative 'redacted'
require_relative 'secret'

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
            # Callables, each with the numbers of arguments it may be called with, the best first, and how that is written.
            CALLED_WITH = {
              token_provider:     [[1, 0], '->(serial_number) { … } or -> { … }'],
              web_identity_token: [[0], '-> { … }']
            }.freeze
            # Exceptions of a callback that become a {NoCredentialsError}. On a reader's thread all others (Thread#kill, Timeout, Interrupt) are
            # meant for the reader and pass through.
            FOREIGN = [::StandardError, ::ScriptError, ::SystemStackError, ::NoMemoryError].freeze
            private_constant :TAKES, :CALLED_WITH, :FOREIGN

            # A callback may rescue any StandardError, so the timeout raises an Exception that it does not rescue.
            class Overdue < ::Exception; end # rubocop:disable Lint/InheritException
            private_constant :Overdue

            class << self
              # Takes the objects out of the layers of a session: the core only learns which ones there are.
              #
              # @param layers [Hash{Symbol => Object}] see {Layers.of}
              # @return [Array(Callbacks, Hash), Array(nil, Hash)]
              # @raise [ArgumentError] for an object that cannot be called, or not with what it is given
              def out_of(layers)
                options = layers.fetch(:options)
                blank = TAKES.keys.select { |name| options.part(name).blank? }
                given = (TAKES.keys - blank).to_h { |name| [name, options.part(name)] }.reject { |name, option| name == :web_identity_token && option.text? }
                given.each { |name, option| check(name, option) }
                callbacks = new(given) unless given.empty?
                [callbacks, layers.merge(options: Secret.new(options.value.except(*blank).merge(given.transform_values { true })))]
              end

              # @param name [Symbol]
              # @param option [Secret] a callable
              # @return [Integer, nil] how many arguments it is called with; nil where it takes another number
              def arguments(name, option)
                CALLED_WITH.fetch(name).first.find { |count| takes?(option.value, count) }
              end

              private

              def check(name, option)
                fits = name == :source ? credentials?(option) || option.answers?(:credentials) : option.answers?(:call)
                raise ::ArgumentError, "#{name} is of class #{option.value.class}; it takes #{TAKES.fetch(name)}." unless fits
                return if name == :source || arguments(name, option)

                raise ::ArgumentError, "#{name} takes other arguments than it is called with. Write #{CALLED_WITH.fetch(name).last}."
              end

              def takes?(callable, count)
                callable = callable.method(:call) unless callable.is_a?(::Proc) || callable.is_a?(::Method)
                return true if callable.is_a?(::Proc) && !callable.lambda?

                kinds = callable.parameters.map(&:first)
                required = kinds.count(:req)
                kinds.none?(:keyreq) && required <= count && (kinds.include?(:rest) || required + kinds.count(:opt) >= count)
              rescue ::NameError => _e # an object that answers everything, without a method
                true
              end

              def credentials?(option) = option.answers?(:access_key_id, :secret_access_key)
            end

            # @param given [Hash{Symbol => Secret}] by the names in {TAKES}
            def initialize(given)
              @given = given.freeze
              @used = {} # hashes of codes
            end

            # @return [Boolean] whether there is a token_provider to prompt for a code
            def token_provider? = @given.key?(:token_provider)

            # @return [Session, nil] the source, where it is a Session: it bounds its own waits, and may prompt for an MFA code
            def source_session = (@given[:source]&.value if @given[:source]&.value.is_a?(Session))

            # Calls the object that answers `question`, on the calling thread.
            #
            # @param question [Hash{Symbol => Object}] of {Native::Session#wait}
            # @param alone [Boolean] whether the thread is one of ours: then every exception becomes an {Error}
            # @return [Hash{Symbol => Secret}] what {Native::Session#answer} takes, wrapped
            # @raise [Error]
            def ask(question, alone: false)
              limit = question.fetch(:limit)
              name = question.fetch(:name)
              answer = case name
                       when :token_code then token_code(question.fetch(:serial_number), limit, alone)
                       when :source then call(:source, :process_timeout, limit, alone) { |source| fields_of(source, question) }
                       else text(call(name, :process_timeout, limit, alone) { |token| Secret.new(token.value.call) }, name, 'a token')
                       end
              { name => answer }
            end

            # @return [String]
            def inspect = "#<#{self.class}>"

            private

            # Refuses a code that was given before: AWS takes each code once.
            def token_code(serial_number, limit, alone)
              code = call(:token_provider, :token_timeout, limit, alone) { |provider| code_of(provider, serial_number) }
              code = text(code, :token_provider, 'the six digits that the device shows')
              refuse_used if @used.key?(code.value.hash)
              @used[code.value.hash] = true if code.value.match?(/\A\d{6}\z/) # the core sends nothing but six digits, so all else stays unused
              code
            end

            # A token_provider may do without the serial number: `-> { code }`.
            def code_of(provider, serial_number)
              Secret.new(provider.value.call(*[serial_number].take(self.class.arguments(:token_provider, provider) || 1)))
            end

            # The message of a foreign exception may hold a secret, so it is the cause of our error and no part of its message.
            def call(name, limit_name, limit, alone)
              bounded(limit) { yield @given.fetch(name) }
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
              return refuse(name, answer.value.class, wanted) unless answer.text?

              text = Secret.new(answer.value.encode(::Encoding::UTF_8))
              return refuse(name, 'a String that is no text', wanted) unless text.value.valid_encoding?

              text.blank? ? refuse(name, 'a blank String', wanted) : Secret.new(text.value.strip)
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
            def fields_of(source, question)
              refused_key, spent_key = question.values_at(:refused_key, :spent_key)
              source.value.invalidate(refused_key) if refused_key && source.answers?(:invalidate)
              credentials = credentials_of(source)
              if spent_key && credentials.value&.access_key_id == spent_key && source.answers?(:refresh!)
                source.value.refresh!
                credentials = credentials_of(source)
              end
              keys = Secret.new(keys_of(credentials))
              missing = %i[access_key_id secret_access_key].find { |name| empty?(keys.part(name)) }
              raise NoCredentialsError, "The source (#{source.value.class}) has no #{missing} just now. Check that it works by itself." if missing

              Secret.new({ **keys.value, expiration: expiration_of(credentials, source) })
            end

            def credentials_of(source) = source.answers?(:credentials) ? Secret.new(source.value.credentials) : source

            # Of a {Credentials} the secrets stay native, and its region and how often they were scoped are said too.
            def keys_of(credentials)
              if credentials.value.is_a?(Credentials)
                details = credentials.value.details
                return { **credentials.value.keys, region: credentials.value.region, scoped_policies_count: details[:scoped_policies_count] }
              end

              { access_key_id: credentials.value&.access_key_id, secret_access_key: credentials.value&.secret_access_key,
                session_token: credentials.value&.session_token, account_id: (credentials.value.account_id if credentials.answers?(:account_id)) }
            end

            def empty?(key) = !(key.text? || key.value.is_a?(Native::SecretText)) || key.value.empty?

            # In aws-sdk-ruby the provider knows the expiration; the credentials do not.
            #
            # @param objects [Array<Secret>]
            # @return [Float, nil] seconds since the epoch; nil where none of the objects has an expiration
            def expiration_of(*objects)
              given = objects.filter_map { |object| object.value.expiration if object.answers?(:expiration) }.first
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
