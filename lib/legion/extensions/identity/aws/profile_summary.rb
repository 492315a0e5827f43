# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        # A profile of the shared config files, as {Aws.profiles} lists it. Frozen, equal by content, no secrets.
        #
        # @!attribute [r] name
        #   @return [String]
        # @!attribute [r] kind
        #   @return [Symbol] where its credentials come from: `:assume_role`, `:web_identity`, `:sso`, `:static_keys`, `:login`,
        #     `:process`, or `:settings` for a profile without any
        # @!attribute [r] region
        #   @return [String, nil]
        # @!attribute [r] role_arns
        #   @return [Array<String>] in the order they are assumed, its own last
        # @!attribute [r] source_profile
        #   @return [String, nil]
        # @!attribute [r] needs
        #   @return [Array<Hash>] what it takes, each with `type` and `name`: `:source_profile`, `:mfa` (the device), `:token_file`,
        #     `:sso_login`, `:login`, `:program`, `:environment`, `:container`, `:imds`
        # @!attribute [r] could_work
        #   @return [Boolean] whether all that can be seen without a network call is there
        # @!attribute [r] reason
        #   @return [String, nil] why it could not
        ProfileSummary = ::Struct.new(:name, :kind, :region, :role_arns, :source_profile, :needs, :could_work, :reason, keyword_init: true) do
          # @return [Boolean]
          alias_method :could_work?, :could_work
        end
      end
    end
  end
end
