# frozen_string_literal: true

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

            KINDS = %w[identity eks rds dsql elasticache memorydb msk bedrock].freeze
            # The API of a kubectl plugin that tells no other.
            # @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
            KUBERNETES_API = 'client.authentication.k8s.io/v1beta1'
            private_constant :KINDS, :KUBERNETES_API

            def initialize
              super
              @words = {}
            end

            # (see Command#take)
            def take(words)
              @kind, *rest = words
              raise ::ArgumentError, "token takes a kind: #{KINDS.join(', ')}." unless @kind
              raise ::ArgumentError, "token takes no #{rest.first.inspect}." if rest.any?
            end

            # (see Command#declare)
            def declare(options)
              words(options)
              options.on('--format FORMAT', %w[text json exec-credential], 'text: the token alone (the default)', 'json: with its expiration',
                         'exec-credential: for kubectl') { |format| @format = format }
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

              audience = @words[:audience]
              raise ::ArgumentError, 'token identity needs --audience.' unless audience

              session.identity_token(**@words, audience: audience)
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

            # As kubectl says which one it speaks.
            def api_version
              require 'json'
              ::JSON.parse(::ENV.fetch('KUBERNETES_EXEC_INFO', '{}')).fetch('apiVersion', KUBERNETES_API)
            rescue ::JSON::ParserError, ::NoMethodError => _e # not of kubectl
              KUBERNETES_API
            end

            def time(token) = token.expiration.strftime('%Y-%m-%dT%H:%M:%SZ')
          end
        end
      end
    end
  end
end
