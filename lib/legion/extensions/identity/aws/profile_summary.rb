# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        ProfileSummary = ::Struct.new(:name, :kind, :region, :role_arns, :source_profile, :needs, :could_work, :reason, :cached_until,
                                      keyword_init: true)

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
        #   @return [Array<Hash>] what its credentials depend on, each with `type` and `name`: `:source_profile`, `:mfa` (the device), `:token_file`,
        #     `:sso_login`, `:login`, `:program`, `:environment`, `:container`, `:imds`
        # @!attribute [r] could_work
        #   @return [Boolean] whether everything that can be checked without a network call is there
        # @!attribute [r] reason
        #   @return [String, nil] why it cannot work
        # @!attribute [r] cached_until
        #   @return [Time, nil] when the credentials of its role expire that a session with this profile and `cache` would take from the disk;
        #     from the AWS CLI's cache, `~/.aws/cli/cache`, unless the setting `cache` names another folder
        class ProfileSummary
          # @api private
          # @param layers [Hash] as {Internal::Layers.of} gives them
          # @return [Array<ProfileSummary>] frozen
          # @raise [ConfigurationError] where a file cannot be read
          # @raise [TimeoutError] where that takes more than 10 s
          def self.all(layers)
            profiles = Internal::Native.profiles(Internal::Layers.opened(layers)).map do |fields|
              seconds = fields[:cached_until]
              new(**fields, cached_until: seconds && ::Time.at(seconds).utc)
            end
            profiles.freeze
          end

          # @return [Boolean]
          alias could_work? could_work

          # @api private
          # @param fields [Hash{Symbol => Object}]
          def initialize(**fields)
            super
            freeze
          end
        end
      end
    end
  end
end
