# frozen_string_literal: true

require_relative '../errors'
require_relative 'native'
require_relative 'redacted'
require_relative 'turn'

module Legion
  module Extensions
    module Identity
      module Aws
        module Internal
          # A {Native::Session} whose requests need something that only Ruby can ask for: the same verbs, which ask first.
          #
          # A person is asked on the thread that reads, and never in the background. All else is asked on a thread made for that one
          # refresh, which then starts the request: a read in the advisory window starts that thread and does not wait for it.
          #
          # @api private
          class SuppliedNative
            include Redacted

            # Set on threads of ours, where no person may be asked.
            UNATTENDED = :lex_identity_aws_unattended
            # Seconds a time-out has to arrive where it is expected, before those who wait for it give up.
            GRACE = 0.5
            private_constant :GRACE

            # These need nothing from outside. Without Forwardable, which takes as long to load and to write them as a tenth of this gem.
            %i[held known forget_identity invalidate needs_refresh? due_in land web_identity_token= attempts counters events settings
               warnings].each { |verb| define_method(verb) { |*arguments| @native.public_send(verb, *arguments) } }

            # @param native [Native::Session]
            # @param supplies [Callbacks]
            def initialize(native, supplies)
              @native = native
              @supplies = supplies
              @turn = Turn.new
              limits = native.settings
              @token_timeout = limits.fetch(:token_timeout)[:value]
              @process_timeout = limits.fetch(:process_timeout)[:value]
              @caches = limits.dig(:cache, :value) != false
            end

            # @return [Integer]
            # @raise [Error]
            def serial
              serial = supplied(:credentials) { @native.serial }
              ask_in_background
              serial
            end

            # @return [Integer]
            # @raise [Error]
            def identity_serial = supplied(:identity) { @native.identity_serial }

            # @return [Integer]
            # @raise [Error]
            def refresh = supplied(:refresh) { @native.refresh }

            # A person is asked now, on this thread. AWS is not waited for, but where a cache on disk may make the question unnecessary:
            # then that is looked at first.
            #
            # @return [Boolean] whether a request was started, or is about to be
            # @raise [Error] where there is a person, and no code
            def prefetch
              answer = @native.prefetch
              if answer == true && @caches && @supplies.token_provider?
                @native.land
                answer = @native.prefetch || true
              end
              answer.is_a?(::Hash) ? ask_ahead(answer) : answer
            end

            # @return [String]
            def inspect = "#<#{self.class}>"

            private

            # The core answers with a serial, or with a Hash of what it needs.
            def supplied(purpose)
              answer = yield
              while answer.is_a?(::Hash)
                came = in_turn(answer, purpose)
                answer = came || yield
              end
              answer
            end

            # @return [Integer, Hash, nil] nil: ask the core again
            def in_turn(needs, purpose)
              person = needs[:token_code]
              refuse_person if person && unattended?
              asking, ours = @turn.take(purpose)
              return attend(asking, needs) if ours && person

              send_out(asking, needs) if ours
              meanwhile = @native.meanwhile if person && purpose == :credentials
              meanwhile || outcome(asking, needs, purpose)
            rescue ::ThreadError => e # in a trap handler, or where there can be no more threads
              raise NoCredentialsError, "Nobody can be asked for the next credentials here: #{e.message}. Read them outside of signal handlers."
            end

            def outcome(asking, needs, purpose)
              return too_late(needs, purpose) unless @turn.wait(asking, patience(needs))
              return unless asking.purpose == purpose || (asking.purpose == :credentials && purpose == :refresh)
              raise asking.error if asking.error

              asking.answer
            end

            # Whoever is asked does not even hear a time-out.
            def too_late(needs, purpose)
              message = "#{needs.select { |_, needed| needed }.keys.join(' and ')} did not come within #{patience(needs)} s " \
                        '(token_timeout, process_timeout).'
              raise TimeoutError, message unless @native.ground(message, purpose)
            end

            def patience(needs)
              asked = needs[:web_identity_token] || needs[:source]
              person = needs[:token_code] || @supplies.source_session
              (person ? @token_timeout : 0) + (asked ? @process_timeout : 0) + GRACE
            end

            # The turn of a person, on this thread.
            def attend(asking, needs)
              @turn.keep(asking) { supply(asking, needs) }
            end

            # The turn of a thread of its own. A source of ours may have to ask a person, and does it here.
            def send_out(asking, needs)
              sent = false
              @supplies.source_session&.credentials if needs[:source] && !unattended?
              sent = errand(asking, needs)
            rescue Error => e
              asking.error = e unless @native.ground(e.message, asking.purpose)
            ensure
              @turn.finish(asking) unless sent
            end

            # @return [true] once the thread is under way
            def errand(asking, needs)
              thread = ::Thread.new do # rubocop:disable ThreadSafety/NewThread -- nobody is to wait for it
                asking.hand_to(::Thread.current)
                ::Thread.current.name = 'lex-identity-aws'
                ::Thread.current.report_on_exception = false # those who wait for it hear of it
                ::Thread.current.thread_variable_set(UNATTENDED, true)
                @turn.keep(asking) { supply(asking, needs) }
              rescue Error => _e
                nil
              end
              asking.hand_to(thread) # should it be killed before it gets that far
              true
            end

            def supply(asking, needs)
              supplies = gather_or_ground(asking, needs) or return
              asking.answered
              @native.depart(supplies, asking.purpose)
            end

            # @return [Hash, nil] nil: there are none, and the core serves on what it holds
            def gather_or_ground(asking, needs)
              gather(needs)
            rescue Error => e
              raise unless @native.ground(e.message, asking.purpose)
            end

            # The code last: it is good for half a minute.
            def gather(needs)
              {
                web_identity_token: (aside { @supplies.web_identity_token(@process_timeout) } if needs[:web_identity_token]),
                source:             (of_source if needs[:source]),
                token_code:         (@supplies.token_code(needs[:token_code], @token_timeout) if needs[:token_code])
              }.compact
            end

            def of_source
              return aside { @supplies.source(@process_timeout) } unless @supplies.source_session

              @supplies.source(patience({ source: true }))
            end

            # On a thread of ours, whichever this one is.
            def aside
              return yield if unattended?

              thread = ::Thread.new do # rubocop:disable ThreadSafety/NewThread -- what is asked may belong to no thread of the user's
                ::Thread.current.report_on_exception = false
                ::Thread.current.thread_variable_set(UNATTENDED, true)
                yield
              end
              thread.value
            ensure
              thread&.kill
            end

            def ask_in_background
              needs = @native.due or return
              asking, ours = @turn.take(:prefetch)
              errand(asking, needs) if ours
            rescue ::ThreadError, ConfigurationError => _e # in a trap handler, or inside of an asking: the next read will do it
              @turn.finish(asking) if asking && ours
            end

            def ask_ahead(needs)
              return false if needs[:token_code] && unattended?

              asking, ours = @turn.take(:prefetch)
              return false unless ours
              return attend(asking, needs) == true if needs[:token_code]

              errand(asking, needs)
              true
            end

            def unattended? = ::Thread.current.thread_variable_get(UNATTENDED) == true

            def refuse_person
              raise NoCredentialsError, 'The next credentials need an MFA code, and no person is asked in the background. ' \
                                        'Read the credentials of this session on a thread of your own.'
            end
          end
        end
      end
    end
  end
end
