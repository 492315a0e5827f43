# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        CallerIdentity = ::Struct.new(:account, :arn, :user_id, :partition, :kind, :role, :session_name, # rubocop:disable Lint/StructNewOverride -- partition
                                      :canonical_name, :provider_arn, :region, :source, keyword_init: true)

        # The answer of sts:GetCallerIdentity, parsed. Frozen, equal by content, no secrets.
        #
        # @!attribute [r] account
        #   @return [String] twelve digits
        # @!attribute [r] arn
        #   @return [String] as AWS returned it, session name included
        # @!attribute [r] user_id
        #   @return [String] AWS's unique id, such as `AROA…:session`
        # @!attribute [r] partition
        #   @return [String] `aws`, `aws-cn`, `aws-us-gov`, …
        # @!attribute [r] kind
        #   @return [Symbol] `:role`, `:instance`, `:sso`, `:user`, `:root` or `:federated`
        # @!attribute [r] role
        #   @return [String, nil] name of the role, without its path
        # @!attribute [r] session_name
        #   @return [String, nil]
        # @!attribute [r] canonical_name
        #   @return [String] the name LegionIO uses; matches `^[a-z0-9][a-z0-9_-]*$`
        # @!attribute [r] provider_arn
        #   @return [String] ARN of the role or user, without the session: the same for every process of the role
        # @!attribute [r] region
        #   @return [String, nil] region of the STS endpoint that answered
        # @!attribute [r] source
        #   @return [String] where the credentials came from, such as `environment` or `profile prod`
        # @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
        class CallerIdentity
          # @return [Integer] how long the answer took, fetching the credentials included; not compared
          attr_reader :milliseconds
          # @return [Integer] number of this answer in its session; not compared
          # @api private
          attr_reader :serial

          # @api private
          # @param kind [String, Symbol]
          # @param serial [Integer]
          # @param milliseconds [Integer, nil]
          # @param fields [Hash{Symbol => Object}]
          def initialize(kind:, serial:, milliseconds: nil, **fields)
            @milliseconds = milliseconds
            @serial = serial
            fields[:kind] = kind.to_sym
            super(**fields)
            freeze
          end

          # @return [String] the ARN
          def to_s = arn

          # @param state [JSON::State, nil] of the generator that is at work
          # @return [String] the fields as a JSON object; without this Struct it would be the ARN as a string
          def to_json(state = nil, *)
            Internal::Lazy.require('json') unless ::Hash.method_defined?(:to_json)
            to_h.to_json(state)
          end

          # @return [String]
          def inspect = "#<#{self.class} #{arn} canonical_name=#{canonical_name.inspect}>"
        end
      end
    end
  end
end
