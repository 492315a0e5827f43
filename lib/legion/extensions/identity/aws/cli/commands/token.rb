# frozen_string_literal: true

require_relative '../../internal/utc'
require_relative '../command'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # `lex-identity-aws token`
          #
          # @api private
          class Token < Command
            # (see Command::SUMMARY)
            SUMMARY = 'a token that proves the identity to another system'
            # (see Command::POSITION)
            POSITION = 5
            # (see Command::WORDS)
            WORDS = 'KIND'
            # (see Command::FIRST_WORDS)
            FIRST_WORDS = %w[identity eks rds dsql elasticache memorydb msk bedrock].freeze
            # The API of a kubectl plugin that tells no other.
            # @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
            KUBERNETES_API = 'client.authentication.k8s.io/v1beta1'
            KUBERNETES_APIS = %w[v1 v1beta1 v1alpha1].map { |version| "client.authentication.k8s.io/#{version}" }.freeze
            private_constant :KUBERNETES_API, :KUBERNETES_APIS

            def initialize
              super
              @words = {}
            end

            # (see Command#take)
            def take(words)
              @kind, *rest = words
              raise ::ArgumentError, "token takes a kind: #{FIRST_WORDS.join(', ')}." unless @kind
              raise ::ArgumentError, "token takes no #{rest.first.inspect}." if rest.any?
            end

            # (see Command#declare)
            def declare(options)
              words(options)
              options.on('--format FORMAT', %w[text json exec-credential], 'text: the token alone (the default)', 'json: with its expiration',
                         'exec-credential: for kubectl') { |format| @format = format }
              options.on('--json', 'the same as --format json') { @format = 'json' }
              options.on('--show', 'print the token on a terminal too') { @show = true }
              session_options(options)
            end

            private

            # Which kind takes which word is said by the core.
            def words(options)
              options.on('--audience NAME', 'identity: a system that takes it; may be repeated') { |name| (@words[:audience] ||= []) << name }
              options.on('--signing-algorithm NAME', 'identity: RS256 (the default) or ES384') { |name| @words[:signing_algorithm] = name }
              options.on('--tag NAME=VALUE', 'identity: a claim; may be repeated') { |pair| tag(pair) }
              options.on('--duration-seconds N', ::Integer, 'identity, bedrock') { |seconds| @words[:duration_seconds] = seconds }
              { cluster: 'eks', host: 'rds, dsql', user: 'rds, elasticache, memorydb', name: 'elasticache, memorydb' }.each do |word, kinds|
                options.on("--#{word} #{word.to_s.upcase}", kinds) { |value| @words[word] = value }
              end
              options.on('--port PORT', ::Integer, 'rds') { |port| @words[:port] = port }
              { admin: 'dsql', serverless: 'elasticache' }.each { |word, kind| options.on("--#{word}", kind) { @words[word] = true } }
            end

            def tag(pair)
              name, value = SessionOptions.pair(pair, '--tag')
              (@words[:tags] ||= {})[name] = value
            end

            def run
              token = made
              output.terminal? && !@show ? summarize(token) : hand_out(token)
              :done
            end

            def made
              return session.token_for(@kind, **@words) unless @kind == 'identity'
              raise ::ArgumentError, 'token identity needs --audience.' unless @words[:audience]

              session.identity_token_of(Internal::Secret.new(@words))
            end

            def summarize(token)
              output.pairs('kind' => token.kind, 'expires' => token.expiration)
              output.note('The token is not printed on a terminal; --show prints it.')
            end

            def hand_out(token)
              case @format
              when 'json' then output.json(kind: token.kind, token: token.token, expiration: time(token))
              when 'exec-credential' then output.json(exec_credential(token))
              else output.print(token.token)
              end
            end

            def exec_credential(token)
              { kind: 'ExecCredential', apiVersion: api_version, spec: {}, status: { expirationTimestamp: time(token), token: token.token } }
            end

            # The one that kubectl says it speaks. For one that does not exist it gets the default, as from `aws eks get-token`.
            def api_version
              given = ::ENV.fetch('KUBERNETES_EXEC_INFO', '').dup.force_encoding(::Encoding::UTF_8).scrub
              return KUBERNETES_API if given.strip.empty?

              require 'json'
              version = ::JSON.parse(given).then { |info| info['apiVersion'] if info.is_a?(::Hash) }
              return version if KUBERNETES_APIS.include?(version)

              output.note("lex-identity-aws: KUBERNETES_EXEC_INFO names no API that there is; the answer is in #{KUBERNETES_API}.")
              KUBERNETES_API
            rescue ::JSON::ParserError => _e # its message quotes the variable
              output.note("lex-identity-aws: KUBERNETES_EXEC_INFO is no JSON; the answer is in #{KUBERNETES_API}.")
              KUBERNETES_API
            end

            def time(token) = Internal::Utc.text(token.expiration)
          end
        end
      end
    end
  end
end
