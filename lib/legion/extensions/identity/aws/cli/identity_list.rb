# frozen_string_literal: true

require_relative '../internal/own_thread'

module Legion
  module Extensions
    module Identity
      module Aws
        class Cli
          # Who each of several sessions would be. They are asked at the same time, a few at once, and one that fails is a row.
          #
          # @api private
          class IdentityList
            # An answer of AWS, or why there is none.
            Row = ::Struct.new(:kind, :name, :identity, :error, keyword_init: true)

            # What a row is in JSON.
            class Row
              # @return [Hash{Symbol => Object}]
              def to_h
                { kind: kind, name: name, arn: identity&.arn, account: identity&.account, canonical_name: identity&.canonical_name, error: error }
              end
            end
            # Requests at the same time, so that neither STS nor the limit of this process for fetches is reached.
            AT_ONCE = 8

            def initialize
              @asked = []
            end

            # @param kind [String] `default`, `profile` or `role`
            # @param name [String]
            # @param impossible [String, nil] why it is not to be asked
            # @yieldreturn [Session]
            # @return [void]
            def add(kind, name, impossible = nil, &session)
              @asked << [Row.new(kind: kind, name: name, error: impossible), session]
            end

            # @return [Array<Row>] in the order they were added
            # @raise [StandardError] a defect
            def rows
              waiting = ::Queue.new
              @asked.each { |row, session| waiting << [row, session] unless row.error }
              waiting.close
              threads = ::Array.new([AT_ONCE, waiting.size].min) { Internal::OwnThread.start(unattended: false) { work(waiting) } }
              threads.each(&:join)
              defect = @defect
              raise defect if defect

              @asked.map(&:first)
            end

            private

            def work(waiting)
              while (row, session = waiting.pop)
                ask(row, session)
              end
            rescue ::StandardError => e
              @defect = e
            end

            def ask(row, session)
              row.identity = session.call.identity
            rescue Error, ::ArgumentError => e # the latter for an option of a role that does not exist
              row.error = e.message
            end
          end
        end
      end
    end
  end
end
