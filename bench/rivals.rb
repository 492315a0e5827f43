# frozen_string_literal: true

require_relative '../spec/interop/support/sdks'

# Who takes part, as far as it is here: bin/setup --legionio brings the gem of 0.1.0 and the aws-sdk-ruby of its time, bin/setup
# alone an aws-sdk-ruby. Each is put on the load path of a fresh process.
module Rivals
  ROOT = File.expand_path('..', __dir__)
  PEER = File.join(ROOT, '.local/rubies/peer/gems')

  Rival = Struct.new(:key, :name, :version, :load_path, keyword_init: true) do
    def title = "#{name} #{version}".strip
  end

  class << self
    # This gem first.
    def all = [ours, aws_sdk, former].compact

    def bare = Rival.new(key: :bare, name: 'Ruby', version: RUBY_VERSION, load_path: [])

    # With the classes of aws-sdk-ruby too.
    def beside_aws_sdk(rival) = rival.dup.tap { |both| both.load_path |= aws_sdk.load_path }

    private

    def ours
      version = Gem::Specification.load(File.join(ROOT, 'lex-identity-aws.gemspec')).version.to_s
      Rival.new(key: :ours, name: 'lex-identity-aws', version: version, load_path: [File.join(ROOT, 'lib')])
    end

    def aws_sdk
      found = peer('aws-sdk-core') || Sdks.all.last
      Rival.new(key: :aws_sdk, name: 'aws-sdk-ruby', version: found.version, load_path: found.load_path) if found
    end

    def former
      found = peer('lex-identity-aws')
      Rival.new(key: :former, name: 'lex-identity-aws', version: found.version, load_path: found.load_path) if found
    end

    # The gem, and beside it what its friends are there for.
    def peer(name)
      paths = Dir["#{PEER}/{#{name},aws-,jmespath-,logger-}*/lib"]
      version = paths.filter_map { |path| path[%r{/#{name}-([\d.]+)/lib\z}, 1] }.first
      Rival.new(name: name, version: version, load_path: paths) if version
    end
  end
end
