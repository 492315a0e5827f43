# frozen_string_literal: true

require 'etc'

# What the figures depend on, as far as it may be told: no names of machines, no folders.
module Machine
  LOCK = File.expand_path('../Cargo.lock', __dir__)
  # The crates that do what is measured.
  CRATES = %w[aws-config aws-sdk-sts aws-smithy-runtime tokio hyper rustls magnus].freeze

  class << self
    def facts
      { ruby: "#{RUBY_VERSION} (#{RUBY_PLATFORM})", cores: Etc.nprocessors, processor: processor, crates: crates }
    end

    private

    def processor
      File.read('/proc/cpuinfo')[/^model name\s*: (.+)$/, 1]
    rescue SystemCallError
      nil
    end

    def crates
      File.read(LOCK).scan(/^name = "(.+)"\nversion = "(.+)"$/).to_h.slice(*CRATES)
    end
  end
end
