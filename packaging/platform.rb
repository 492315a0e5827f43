# frozen_string_literal: true

require 'open3'
require 'rbconfig'

# The name of this machine's platform gem, and the checks that its library runs on every such machine.
module Platform
  CPU = RbConfig::CONFIG['host_cpu']
  OS = RbConfig::CONFIG['host_os']
  # In RubyGems' spelling.
  NAME = case OS
         when /darwin/     then "#{CPU.sub('aarch64', 'arm64')}-darwin"
         when /linux-musl/ then "#{CPU}-linux-musl"
         else "#{CPU}-linux-gnu"
         end

  # RHEL 7 and later; Rust's own minimum.
  OLDEST_GLIBC = '2.17'
  # The libraries that come with that glibc.
  SYSTEM_LIBRARIES = /\A(?:lib(?:c|m|dl|pthread|rt)\.so\.\d|ld-linux[\w-]*\.so\.\d)\z/

  class << self
    def gnu? = NAME.end_with?('-linux-gnu')

    def rust_target
      return "#{CPU.sub('arm64', 'aarch64')}-apple-darwin" if NAME.end_with?('-darwin')

      "#{CPU}-unknown-#{NAME[/linux-\w+/]}"
    end

    # @return [String] the library
    def build_for_old_glibc
      linker = File.expand_path('zig-cc', __dir__)
      names = rust_target.tr('-', '_')
      environment = { 'ZIG_TARGET' => "#{NAME}.#{OLDEST_GLIBC}", "CC_#{names}" => linker, "CARGO_TARGET_#{names.upcase}_LINKER" => linker,
                      'RUBY' => RbConfig.ruby } # whose headers are read
      target = File.expand_path('target')
      run(environment, 'cargo', 'build', '--quiet', '--release', '--locked', '--package', 'lex_identity_aws', '--target', rust_target,
          '--target-dir', target)
      File.join(target, rust_target, 'release', 'liblex_identity_aws.so')
    end

    # @param library [String]
    # @raise [RuntimeError] where it needs a symbol or library that an old system does not have
    def check(library)
      return unless gnu?

      newest = read('objdump', '-T', library).scan(/GLIBC_([\d.]+)/).flatten.max_by { |version| Gem::Version.new(version) }
      raise "#{library} names no symbol of glibc: objdump has not read it" unless newest
      raise "#{library} asks for GLIBC_#{newest}, and #{OLDEST_GLIBC} is promised" if Gem::Version.new(newest) > Gem::Version.new(OLDEST_GLIBC)

      foreign = read('objdump', '-p', library).scan(/NEEDED\s+(\S+)/).flatten.grep_v(SYSTEM_LIBRARIES)
      raise "#{library} needs #{foreign.join(', ')}, which not every system has" if foreign.any?
    end

    private

    def run(*command) = system(*command, exception: true)

    def read(*command)
      out, status = Open3.capture2(*command)
      raise "#{command.join(' ')} failed" unless status.success?

      out
    end
  end
end
