# frozen_string_literal: true

require 'timeout'
require_relative '../errors'
require_relative '../internal/native'
require_relative '../internal/secret'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # One call of Vault by the `vault` gem that Legion::Crypt brings, with a client of its own: LegionIO's keeps its time-outs. What fails is
          # an {Error} with Vault's words, without secrets.
          #
          # @api private
          class VaultCall
            # Seconds to open a connection and for an answer; the gem takes whole ones.
            OPEN = 1
            READ = 2
            # Seconds for all of a call.
            LIMIT = 2.5
            OPTIONS = { open_timeout: OPEN, ssl_timeout: OPEN, read_timeout: READ, timeout: READ, pool_size: 1 }.freeze
            # Vault sends a standby's caller to the active server once. The gem vault 0.20.1 follows without an end, by recursion.
            MOST_REQUESTS = 5
            private_constant :OPEN, :READ, :LIMIT, :OPTIONS, :MOST_REQUESTS

            # Laid over the client.
            module OneCall
              # Remembers what is sent, since an answer may quote it. The gem calls it for each redirection too.
              #
              # @param verb [Symbol]
              # @param path [String]
              # @param data [String, Hash]
              # @param headers [Hash]
              # @return [Object] what Vault::Client#request returns
              # @raise [ServiceError] for more than {MOST_REQUESTS}
              def request(verb, path, data = {}, headers = {})
                data = Internal::Secret.new(data)
                headers = Internal::Secret.new(headers)
                @sent ||= data
                @requests = number = @requests.to_i + 1
                raise ServiceError, "It redirects more than #{MOST_REQUESTS - 1} times. Check api_addr of Vault." if number > MOST_REQUESTS

                super(verb, path, data.value, headers.value)
              end

              # Follows no redirection that leaves TLS.
              #
              # @return [URI]
              # @raise [ServiceError]
              def build_uri(*)
                super.tap do |uri|
                  raise ServiceError, 'It redirects to a place without TLS.' if address.start_with?('https:') && uri.scheme != 'https'
                end
              end

              # @return [Array<Internal::Secret>] of a login the signed headers and their signature: with them anyone could log in
              def signed
                sent = @sent
                return [] unless sent&.text?

                headers = Internal::Secret.new(::JSON.parse(sent.value)['iam_request_headers'].to_s)
                [headers, Internal::Secret.new(headers.value.unpack1('m')[/Signature=(\w+)/, 1].to_s)]
              end

              # @return [void]
              def close
                shutdown if @sent
              rescue ::StandardError => _e # there was no connection
                nil
              end
            end
            private_constant :OneCall

            # @param cluster [VaultCluster]
            # @param secrets [Array<Internal::Native::SecretText>] that Vault is sent
            def initialize(cluster, secrets)
              @cluster = cluster
              @secrets = secrets
            end

            # @yieldparam client [Internal::Secret] a Vault::Client, which prints its token
            # @return [Object] what the block returned
            # @raise [Error]
            def run
              load_signer
              client = Internal::Secret.new(::Vault::Client.new(@cluster.options.merge(OPTIONS)).extend(OneCall))
              ::Timeout.timeout(LIMIT) { yield client }
            rescue ::StandardError, ::LoadError => e
              raise explained(e, client), cause: nil # the cause may quote the secrets
            ensure
              client&.value&.close
            end

            # @return [String]
            def inspect = "#<#{self.class} #{@cluster}>"

            private

            # The gem vault would load it within the limit, and a time-out there leaves a library half loaded. Where it is missing, that gem says so.
            def load_signer
              require 'aws-sigv4'
            rescue ::LoadError => _e
              nil
            end

            def explained(error, client)
              case error
              when Error then error.class.new("#{place}: #{error.message}", outage: error.outage?)
              when ::Timeout::Error then silent
              when ::LoadError then ConfigurationError.new("#{place}: #{error.message}. Add gem 'aws-sigv4' to LegionIO's Gemfile.")
              when ::Vault::HTTPError then refused(error.code, shown(Array(error.errors).join('; '), client))
              when ::Vault::HTTPConnectionError then unreachable(error.original_exception, client)
              else odd(error)
              end
            end

            def silent = TimeoutError.new("#{place} gave no answer within #{LIMIT} s. #{check_address}", outage: true)

            def refused(status, words)
              outage = status >= 500 || status == 429
              remedy = outage ? check_address : 'Compare identity.aws.vault (role, server_id, endpoint, mount) with the auth method in Vault.'
              remedy = 'It may pass; else compare the rate limit quotas of Vault.' if status == 429
              ServiceError.new("#{place} answered #{status}: #{words}. #{remedy}", status: status, outage: outage)
            end

            def unreachable(why, client)
              return silent if why.is_a?(::Timeout::Error)

              ConnectionError.new("#{place} cannot be reached: #{why.class}: #{shown(why.message, client)}. #{check_address}", outage: true)
            end

            # A message of Ruby may quote the answer.
            def odd(error)
              if error.message.start_with?('Unable to parse STS endpoint')
                return ConfigurationError.new("#{place}: the gem vault #{::Vault::VERSION} finds no region in identity.aws.vault.endpoint. It takes " \
                                              'https://sts.amazonaws.com, https://sts.REGION.amazonaws.com and https://sts.REGION.amazonaws.com.cn.')
              end

              ServiceError.new("#{place} gave an answer that cannot be read: #{error.class}. #{check_address}")
            end

            def place = "Vault (#{@cluster})"

            def check_address = "Check crypt.vault.clusters.#{@cluster.name}, and that it can be reached from here."

            def shown(words, client)
              sent = client&.value&.signed
              sent = sent&.map { |secret| Internal::Native::SecretText.new(secret.value) }
              Internal::Native.shown(words.encode(::Encoding::UTF_8, invalid: :replace, undef: :replace).scrub, [*@secrets, *sent])
            rescue ::StandardError => _e # without the secrets no word can be shown
              'words that cannot be shown'
            end
          end
        end
      end
    end
  end
end
