# frozen_string_literal: true

# The shape of IAM policies, as far as the pages use it.
module Policy
  OPERATORS = /\A(ForAllValues:|ForAnyValue:)?(String(Not)?(Equals|Like)|Bool|Numeric(LessThan|GreaterThan)(Equals)?|ArnLike|ArnEquals|IpAddress)(IfExists)?\z/
  MEMBERS = { 'Sid' => /\A\w+\z/, 'Effect' => /\A(Allow|Deny)\z/, 'Action' => /\A[a-z0-9-]+:[A-Za-z*]+\z/,
              'Resource' => /\A(\*|arn:[\w*-]+:[\w*-]+:\S+)\z/ }.freeze
  PRINCIPALS = { 'AWS' => /\A(\d{12}|arn:aws[\w-]*:iam::\d{12}:\S+)\z/, 'Service' => /\A[\w-]+(\.[\w-]+)*\.amazonaws\.com\z/,
                 'Federated' => /\A(arn:aws[\w-]*:iam::\d{12}:\S+|[\w.-]+)\z/ }.freeze
  private_constant :OPERATORS, :MEMBERS, :PRINCIPALS

  class << self
    # A document, or members of a statement.
    def looks_like?(data) = data.key?('Version') || (data.keys - [*MEMBERS.keys, 'Principal', 'Condition']).empty?

    # Of a whole document, or of members of a statement.
    def problems(data)
      return members(data) unless data.key?('Version')

      odd = []
      odd << "Version is #{data['Version']}" unless data['Version'] == '2012-10-17'
      odd << "has #{data.keys.join(', ')}" unless data.keys == %w[Version Statement]
      odd + Array(data['Statement']).flat_map { |statement| whole(statement) + members(statement) }
    end

    private

    def whole(statement)
      lacks = %w[Effect Action] - statement.keys
      [*(lacks if lacks.any?), *('has not either Principal or Resource' unless statement.key?('Principal') ^ statement.key?('Resource'))]
    end

    def members(statement)
      statement.flat_map do |name, value|
        case name
        when 'Condition' then value.flat_map { |operator, keys| condition(operator, keys) }
        when 'Principal' then value.reject { |kind, who| Array(who).all?(PRINCIPALS.fetch(kind, /(?!)/)) }.map { |kind, who| "Principal #{kind}: #{who}" }
        else Array(value).grep_v(MEMBERS.fetch(name, /(?!)/)).map { |odd| "#{name}: #{odd}" }
        end
      end
    end

    def condition(operator, keys)
      good = operator.match?(OPERATORS) && keys.is_a?(Hash) && keys.keys.all?(%r{\A\S+:[\w/-]+\z})
      good ? [] : ["Condition #{operator}: #{keys}"]
    end
  end
end
