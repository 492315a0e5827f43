# frozen_string_literal: true

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # One thing the doctor looked at. Frozen, equal by content, no secrets.
          class Finding
            # What makes one finding equal to another.
            FIELDS = %i[check name status what remedy milliseconds details].freeze

            # @return [String] `library`, `settings`, `files`, `sources`, `network`, `identity`, `mfa`, `role`, `cache` or `legionio`
            attr_reader :check
            # @return [String] what of it, such as `clock` of `network`, or `profile prod` of `sources`
            attr_reader :name
            # @return [Symbol] `:ok`; `:warn`: it works, and there is something to mend; `:fail`: it stands in the way; `:skipped`: not
            #   looked at, or nothing there to look at
            attr_reader :status
            # @return [String] what was found: of a problem, its cause
            attr_reader :what
            # @return [String, nil] what to do; there for every problem
            attr_reader :remedy
            # @return [Integer] how long it took to find out
            attr_reader :milliseconds
            # @return [Hash{Symbol => Object}] the same for programs; frozen
            attr_reader :details

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
              new({ check: check, name: name, status: status, what: what, remedy: remedy, milliseconds: 0, details: details })
            end

            # @api private
            # @param fields [Hash{Symbol => Object}] as {Internal::Native.doctor} hands them up
            def initialize(fields)
              FIELDS.each { |field| instance_variable_set(:"@#{field}", fields.fetch(field).dup.freeze) }
              freeze
            end

            # @return [Boolean] whether there is something to do
            def problem? = %i[fail warn].include?(status)

            # @return [Hash{Symbol => Object}]
            def to_h = FIELDS.to_h { |field| [field, public_send(field)] }

            # For `case finding in { check: 'network', status: :fail }`.
            #
            # @return [Hash{Symbol => Object}]
            def deconstruct_keys(*) = to_h

            # @param other [Object]
            # @return [Boolean]
            def ==(other) = other.is_a?(Finding) && to_h == other.to_h
            alias eql? ==

            # @return [Integer]
            def hash = to_h.hash

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
