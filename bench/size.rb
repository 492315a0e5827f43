# frozen_string_literal: true

# How big the gem is.
module Size
  class << self
    def of(gem_file, library)
      { gem_kib: File.size(gem_file) / 1024, library_kib: File.size(library) / 1024, crates: crates }
    end

    private

    # Those that are compiled into the library.
    def crates
      lines = IO.popen(%w[cargo tree --locked --package lex_identity_aws --prefix none --edges normal], &:readlines)
      raise 'cargo tree failed' unless $?.success? # rubocop:disable Style/SpecialGlobalVars

      lines.map { |line| line.sub(/ \(\*\)$/, '').strip }.uniq.size
    end
  end
end
