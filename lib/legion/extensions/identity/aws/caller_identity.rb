# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        # Who AWS says we are: the answer of sts:GetCallerIdentity, taken apart. Frozen, equal by content, no secrets.
        #
        # @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
        class CallerIdentity
          # What makes one principal equal to another.
          FIELDS = %i[account arn user_id partition kind role session_name canonical_name provider_arn region source].freeze

          # @return [String] twelve digits
          attr_reader :account
          # @return [String] as AWS said it, session name included
          attr_reader :arn
          # @return [String] AWS's unique id, such as `AROA…:session`
          attr_reader :user_id
          # @return [String] `aws`, `aws-cn`, `aws-us-gov`, …
          attr_reader :partition
          # @return [Symbol] `:role`, `:instance`, `:sso`, `:user`, `:root` or `:federated`
          attr_reader :kind
          # @return [String, nil] name of the role, without its path
          attr_reader :role
          # @return [String, nil]
          attr_reader :session_name
          # @return [String] the name LegionIO uses; matches `^[a-z0-9][a-z0-9_-]*$`
          attr_reader :canonical_name
          # @return [String] ARN of the role or user, without the session: the same for every process of the role
          attr_reader :provider_arn
          # @return [String, nil] region of the STS endpoint that answered
          attr_reader :region
          # @return [String] where the credentials came from, such as `environment` or `profile prod`
          attr_reader :source
          # @return [Integer] how long the answer took, credentials included
          attr_reader :milliseconds
          # @return [Integer]
          # @api private
          attr_reader :serial

          # @api private
          # @param fields [Hash{Symbol => Object}] as {Internal::Native::Session} hands it up
          def initialize(fields)
            FIELDS.each { |name| instance_variable_set(:"@#{name}", fields[name]) }
            @kind = fields.fetch(:kind).to_sym
            @milliseconds = fields[:milliseconds]
            @serial = fields.fetch(:serial)
            freeze
          end

          # @return [Hash{Symbol => Object}]
          def to_h = FIELDS.to_h { |name| [name, public_send(name)] }

          # For `case identity in { kind: :role, account: }`.
          #
          # @return [Hash{Symbol => Object}]
          def deconstruct_keys(*) = to_h

          # @param other [Object]
          # @return [Boolean]
          def ==(other) = other.is_a?(CallerIdentity) && to_h == other.to_h
          alias eql? ==

          # @return [Integer]
          def hash = to_h.hash

          # @return [String] the ARN
          def to_s = arn

          # @return [String]
          def inspect = "#<#{self.class} #{arn} canonical_name=#{canonical_name.inspect}>"
        end
      end
    end
  end
end
