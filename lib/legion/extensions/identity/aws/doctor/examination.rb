# frozen_string_literal: true

require_relative 'finding'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # The checks that the core makes, for the options of one session or of one more role.
          #
          # With `assume` it asks for what only the application can give: an MFA code of the `token_provider`, and the credentials of the
          # session that a scoped role limits.
          #
          # @api private
          class Examination
            # The questions it answers.
            TAKES = %i[token_code source].freeze
            private_constant :TAKES

            # @param settings [Internal::Secret, nil] `identity.aws`
            # @param assume [Boolean] whether to send a real AssumeRole for each role
            # @param program [Boolean] whether the program asks for it
            def initialize(settings, assume:, program:)
              @settings = settings
              @assume = assume
              @program = program
            end

            # @param options [Internal::Secret] a Hash, as for {Session#initialize}
            # @param role [Boolean] whether to look at the role of these options alone
            # @return [Array<Finding>]
            # @raise [ArgumentError] for a callback or source of a role that is none
            def findings(options, role: false)
              callbacks, layers = Internal::Layers.callbacks_out_of(layers(options))
              native = Internal::Native::Examination.start(Internal::Layers.opened(layers), @assume, role, @program)
              outcome(native, callbacks).map { |fields| Finding.new(**fields) }
            rescue ::StandardError => e
              raise if role && e.is_a?(::ArgumentError)

              [Finding.of('settings', 'examination', "it was given up: #{e.message}", status: :fail,
                                                                                      remedy: 'Run it again; if it stays, report it with this text.')]
            ensure
              native&.leave
            end

            # The process's own session, which a scoped role limits; no cache on disk answers.
            #
            # @param token_provider [#call, nil]
            # @return [Session]
            def session(token_provider) = @session ||= session_of(Internal::Secret.new({ token_provider: token_provider }))

            # @param options [Internal::Secret] a Hash, those of a role
            # @return [Session] which no cache on disk answers
            # @raise [ConfigurationError]
            def session_of(options) = Session.from_layers(layers(Internal::Secret.new({ **options.value, cache: false })))

            private

            def layers(options) = Internal::Layers.of(options, settings: @settings, deadline_cap: Internal::Layers.deadline_cap)

            def outcome(native, callbacks)
              loop do
                came = Internal::OwnThread.wait { native.wait(callbacks ? TAKES : []) }
                return came if came.is_a?(::Array)

                native.answer(answer(came, callbacks))
              end
            end

            def answer(question, callbacks)
              raise Error, 'There is nothing to ask.' unless callbacks

              callbacks.ask(question).transform_values(&:value)
            rescue Error => e
              e.message
            end
          end
        end
      end
    end
  end
end
