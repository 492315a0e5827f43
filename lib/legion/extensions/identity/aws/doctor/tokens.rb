# frozen_string_literal: true

require_relative '../internal/lazy'
require_relative '../internal/utc'
require_relative 'finding'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # The entries of `identity.aws.tokens`: their shape, the file of each, and with `assume` whether the token can be had.
          #
          # @api private
          class Tokens
            CHECK = 'token'
            FOLDER = 'Give it a path in a folder that the user LegionIO runs as may write to, and no other.'
            private_constant :CHECK, :FOLDER

            # @param settings [Internal::Secret, nil] `identity.aws`
            # @param examination [Examination]
            # @param token_provider [#call, nil]
            # @param assume [Boolean]
            def initialize(settings, examination, token_provider, assume:)
              @settings = settings if settings&.value.is_a?(::Hash)
              @examination = examination
              @token_provider = token_provider
              @assume = assume
              @sessions = {}
            end

            # @return [Array<Finding>]
            def findings
              return [] unless @settings && !Internal::Layers.own_setting(:tokens, @settings).value.nil?

              require_relative '../legionio/token_file'
              require_relative '../legionio/tokens'
              [*problem, *entries.names(@settings).flat_map { |name| token(name) }]
            end

            private

            def entries = Aws::LegionIO::Tokens

            def problem
              what = entries.problem(@settings)
              what ? [Finding.of(CHECK, entries::PLACE, what, status: :warn, remedy: "Correct #{entries::PLACE} in LegionIO's settings.")] : []
            end

            def token(name)
              request = entries.request(name, @settings)
              [outcome(name, request), (file(name, request.file) if request.file)].compact
            rescue NotReadyError => e
              [found(name, e.message, status: :skipped)]
            rescue ConfigurationError => e
              [found(name, e.message, status: :fail, remedy: "Correct #{entries::PLACE}.#{name} in LegionIO's settings.")]
            end

            def outcome(name, request)
              shown = "#{request.kind}, made with #{request.role ? "role #{request.role}" : "the process's own credentials"}"
              details = { kind: request.kind, role: request.role&.to_s, made: false }
              return found(name, "#{shown}: not tried; --assume makes it", status: :skipped, **details) unless @assume

              made(name, request, shown, details)
            end

            def made(name, request, shown, details)
              expiration = Internal::Utc.text(request.take(session(request.role)).expiration)
              found(name, "#{shown}: it expires at #{expiration}", **details, made: true, expiration: expiration)
            rescue Error, ::ArgumentError => e # the latter for a callback or source of a role that is none
              code = e.code if e.is_a?(Error)
              found(name, "#{shown}: it cannot be had#{", #{code}" if code}", status: :fail, remedy: e.message, **details)
            end

            # One for each role, as in LegionIO; no cache on disk answers.
            def session(role)
              @sessions[role] ||= role ? @examination.session_of(options(role)) : @examination.session(@token_provider)
            end

            def options(role)
              options = Aws::LegionIO::Roles.options(role, @settings) { @examination.session(@token_provider) }
              Internal::Secret.new({ token_provider: @token_provider, **options.value })
            end

            def file(name, path)
              name = "#{name} (file)"
              what = Aws::LegionIO::TokenFile.obstacle(path)
              return found(name, what, status: :fail, remedy: "#{FOLDER} If that is another user, run the doctor as that one.", file: path) if what

              what = Aws::LegionIO::TokenFile.oddity(path)
              return found(name, path, file: path) unless what

              found(name, what, status: :warn, remedy: "#{FOLDER} The program that reads the file has to run as that user too.", file: path)
            end

            def found(name, what, **rest) = Finding.of(CHECK, name.to_s, what, qualifier: name.to_s.delete_suffix(' (file)'), **rest)
          end
        end
      end
    end
  end
end
