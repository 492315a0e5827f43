# frozen_string_literal: true

# The series of Ruby that a platform gem has a library for. Every other Ruby takes the source gem. bin/setup, the rake tasks, the
# release workflow and the documentation follow this list; spec/unit/native_rubies_spec.rb holds them to it.
module NativeRubies
  SERIES = %w[3.3 3.4 4.0].freeze

  class << self
    def list(series = SERIES) = series.size < 2 ? series.first.to_s : "#{series[..-2].join(', ')} and #{series.last}"

    # The range of Ruby versions in which the libraries of these series can be loaded, and no other.
    #
    # @param built [Array<String>] series
    # @raise [ArgumentError] where no range has exactly these
    # @return [Array<String>] as `required_ruby_version` takes it
    def requirement(built)
      first = SERIES.index(built.first) if built.any?
      unless first && built == SERIES[first, built.size]
        raise ArgumentError, "Libraries for Ruby #{list(built)} leave a gap among #{list}: RubyGems would give the platform gem to a Ruby without a library."
      end

      major, minor = built.last.split('.').map { |part| Integer(part) }
      [">= #{built.first}", "< #{major}.#{minor + 1}.dev"]
    end

    # @param specification [Gem::Specification] of a packed platform gem
    # @raise [RuntimeError] where its range is not that of the libraries in it
    def check(specification)
      built = SERIES.select { |series| specification.files.any? { |file| file.match?(%r{/#{Regexp.escape(series)}/lex_identity_aws\.\w+\z}) } }
      return if specification.required_ruby_version == Gem::Requirement.new(requirement(built))

      raise "#{specification.full_name} declares Ruby #{specification.required_ruby_version} and has libraries for #{list(built)}"
    end
  end
end
