# frozen_string_literal: true

require_relative '../internal/lazy'

module Legion
  module Extensions
    module Identity
      module Aws
        module Doctor
          # What {Aws.doctor} found: {#to_s} for reading, {#to_h} and {#to_json} for programs. No secrets.
          class Report
            # How a status is printed. ASCII only, since the locale of the machine may be wrong too.
            MARKS = { ok: 'ok', warn: 'warn', fail: 'FAIL', skipped: '-' }.freeze
            # The details of a finding that are an IAM policy document, and where each is to be pasted.
            DOCUMENTS = { caller_policy: 'For the policy of the caller', trust_policy: "For the role's trust policy" }.freeze
            private_constant :MARKS, :DOCUMENTS

            # @return [Array<Finding>] in the order they were made; frozen
            attr_reader :findings

            # @api private
            # @param findings [Array<Finding>]
            def initialize(findings)
              @findings = findings.dup.freeze
              freeze
            end

            # @return [Boolean] whether no finding is a `:fail`; there may be warnings
            def ok? = findings.none? { |finding| finding.status == :fail }

            # @return [Array<Finding>] the failures, then the warnings; each has a `what` and a `remedy`
            def problems
              failures, others = findings.partition { |finding| finding.status == :fail }
              failures + others.select(&:problem?)
            end

            # @return [Hash{Symbol => Object}]
            def to_h
              { version: Aws::VERSION, ruby: RUBY_VERSION, platform: RUBY_PLATFORM, ok: ok?, problems: problems.map(&:to_h), findings: findings.map(&:to_h) }
            end

            # @param state [Object, nil] of JSON's generator
            # @return [String]
            def to_json(state = nil)
              Internal::Lazy.require('json') unless ::Hash.method_defined?(:to_json)
              state ? to_h.to_json(state) : to_h.to_json
            end

            # @return [String] several lines
            def to_s
              [heading, *findings.chunk_while { |one, next_one| one.check == next_one.check }.map { |group| section(group) }, *remedies].join("\n")
            end

            # @return [String]
            def inspect = "#<#{self.class} #{summary}>"

            private

            def heading = "lex-identity-aws #{Aws::VERSION}, Ruby #{RUBY_VERSION} on #{RUBY_PLATFORM}: #{summary}\n"

            def summary
              failures = findings.count { |finding| finding.status == :fail }
              warnings = findings.count { |finding| finding.status == :warn }
              return 'nothing stands in the way' if (failures + warnings).zero?

              [(plural(failures, 'problem') if failures.positive?), (plural(warnings, 'warning') if warnings.positive?)].compact.join(', ')
            end

            def plural(count, word) = "#{count} #{word}#{'s' unless count == 1}"

            def section(group)
              width = group.map { |finding| finding.name.length }.max
              lines = group.map do |finding|
                slow = " [#{finding.milliseconds} ms]" if finding.milliseconds >= 100
                "  #{MARKS.fetch(finding.status).ljust(4)}  #{finding.name.ljust(width)}  #{finding.what}#{slow}"
              end
              [group.first.check, *lines].join("\n")
            end

            def remedies
              return [] if problems.empty?

              ["\nWhat to do", *problems.map.with_index(1) do |problem, number|
                ["#{number}. #{problem}\n   #{problem.remedy}", *documents(problem.details)].join("\n")
              end]
            end

            def documents(details)
              there = DOCUMENTS.slice(*details.keys)
              return [] if there.empty?

              Internal::Lazy.require('json')
              pasted = there.map { |name, place| "\n   #{place}:\n\n#{::JSON.pretty_generate(::JSON.parse(details.fetch(name))).gsub(/^/, '   ')}" }
              note = details[:policy_note].to_s
              note.empty? ? pasted : [*pasted, "\n   #{note}"]
            end
          end
        end
      end
    end
  end
end
