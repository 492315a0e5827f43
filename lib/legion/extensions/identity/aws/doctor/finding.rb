# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # One thing the doctor looked at. Frozen, equal by content, no secrets.
          #
          # @!attribute [r] check
          #   @return [String] `library`, `settings`, `files`, `sources`, `network`, `identity`, `mfa`, `role`, `cache` or `legionio`
          # @!attribute [r] name
          #   @return [String] what of it, such as `clock` of `network`, or `profile prod` of `sources`
          # @!attribute [r] status
          #   @return [Symbol] `:ok`; `:warn`: it works, and there is something to mend; `:fail`: it stands in the way; `:skipped`:
          #     not looked at, or nothing there to look at
          # @!attribute [r] what
          #   @return [String] what was found: of a problem, its cause
          # @!attribute [r] remedy
          #   @return [String, nil] what to do; there for every problem
          # @!attribute [r] milliseconds
          #   @return [Integer] how long it took to find out
          # @!attribute [r] details
          #   @return [Hash{Symbol => Object}] the same for programs
          Finding = ::Struct.new(:check, :name, :status, :what, :remedy, :milliseconds, :details, keyword_init: true) do
            # @param check [String]
            # @param name [String]
            # @param what [String]
            # @param remedy [String, nil]
            # @param status [Symbol]
            # @param details [Hash{Symbol => Object}]
            # @return [Finding] one that took no time
            def self.of(check, name, what, status: :ok, remedy: nil, **details)
              new(check: check, name: name, status: status, what: what.dup.freeze, remedy: remedy&.dup&.freeze, milliseconds: 0,
                  details: details.freeze).freeze
            end

            # @return [Boolean] whether there is something to do
            def problem? = %i[fail warn].include?(status)
          end
        end
      end
    end
  end
end
