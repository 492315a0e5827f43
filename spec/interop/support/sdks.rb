# frozen_string_literal: true

# The AWS SDKs for Ruby to be interoperable with (bin/setup --sdks): the one of a stable distribution, and one of today. Two
# do not fit into one process, so each is put on the load path of a process of its own.
module Sdks
  ROOT = File.expand_path('../../../.local', __dir__)

  Sdk = Struct.new(:name, :version, :load_path, keyword_init: true) do
    # For the environment of a Ruby process.
    def rubylib = load_path.join(':')
  end

  class << self
    # @return [Array<Sdk>] the old one first
    def all
      @all ||= [find(:old, 'sdks/old'), find(:new, 'sdks/new', 'debs')].compact
    end

    private

    def find(name, *homes)
      homes.filter_map { |home| in_folder(name, File.join(ROOT, home)) }.first || (of_rubygems(name) if name == :new)
    end

    # Gems as RubyGems installs them, or as Debian lays them out.
    def in_folder(name, home)
      paths = Dir["#{home}/{,usr/share/rubygems-integration/all/}gems/*/lib", "#{home}/usr/lib/ruby/vendor_ruby"]
      version = paths.filter_map { |path| path[%r{/aws-sdk-core-([\d.]+)/lib\z}, 1] }.first
      Sdk.new(name: name, version: version, load_path: paths) if version
    end

    # With Bundler it is one of the development gems.
    def of_rubygems(name)
      core = Gem::Specification.find_by_name('aws-sdk-core')
      specifications = [core, *core.runtime_dependencies.map(&:to_spec)].compact
      Sdk.new(name: name, version: core.version.to_s, load_path: specifications.flat_map(&:full_require_paths))
    rescue Gem::MissingSpecError
      nil
    end
  end
end
