# frozen_string_literal: true

require_relative '../internal/printable'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          Finding = ::Struct.new(:check, :name, :status, :what, :remedy, :milliseconds, :details, keyword_init: true)

          # One thing the doctor looked at. Frozen, equal by content, no secrets.
          #
          # @!attribute [r] check
          #   @return [String] `library`, `settings`, `files`, `sources`, `network`, `identity`, `mfa`, `role`, `token`, `cache`,
          #     `sdk`, `legionio` or `vault`; of the program's `doctor --fix` also `fix`
          # @!attribute [r] name
          #   @return [String] which part of the check, such as `clock` of `network`, or `profile prod` of `sources`
          # @!attribute [r] status
          #   @return [Symbol] `:ok`; `:warn`: it works, and there is something to mend; `:fail`: it stands in the way; `:skipped`: not
          #     looked at, or nothing there to look at
          # @!attribute [r] what
          #   @return [String] what was found: of a problem, its cause
          # @!attribute [r] remedy
          #   @return [String, nil] what to do; every problem has one
          # @!attribute [r] milliseconds
          #   @return [Integer] how long it took to find out
          # @!attribute [r] details
          #   @return [Hash{Symbol => Object}] the same for programs; frozen
          class Finding
            # One that took no time.
            #
            # @api private
            # @param check [String]
            # @param name [String]
            # @param what [String]
            # @param status [Symbol]
            # @param remedy [String, nil]
            # @param details [Hash{Symbol => Object}]
            # @return [Finding]
            def self.of(check, name, what, status: :ok, remedy: nil, **details)
              new(check: check, name: name, status: status, what: what, remedy: remedy, milliseconds: 0, details: details)
            end

            # @api private
            # @param fields [Hash{Symbol => Object}]
            def initialize(**fields)
              shown = fields.slice(:name, :what, :remedy).compact.transform_values { |text| Internal::Printable.line(text) }
              super(**fields.transform_values(&:dup), **shown)
              each(&:freeze)
              freeze
            end

            # @return [Boolean] whether there is something to do
            def problem? = %i[fail warn].include?(status)

            # @return [String]
            def to_s = "#{check}, #{name}: #{what}"

            # @return [String]
            def inspect = "#<#{self.class} #{status} #{self}>"
          end
        end
      end
    end
  end
end
