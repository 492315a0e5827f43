# frozen_string_literal: true

require 'fileutils'
require 'rbconfig'
require 'tmpdir'

# A copy of the gem's Ruby files without the native library, to be broken: each example puts what it needs in the library's place
# and loads the copy in a Ruby of its own, where nothing else can be found.
class GemCopy
  FOLDER = 'legion/extensions/identity/aws'
  # What a library defines that the loader looks for.
  GOOD = <<~RUBY
    module Legion::Extensions::Identity::Aws::Internal::Native
      VERSION = Legion::Extensions::Identity::Aws::VERSION
      class Session; end
    end
  RUBY
  LIBRARY = "lex_identity_aws.#{RbConfig::CONFIG['DLEXT']}".freeze

  attr_reader :root

  def initialize
    @root = File.realpath(Dir.mktmpdir('gem'))
    original = $LOADED_FEATURES.find { |path| path.end_with?("/#{FOLDER}.rb") }
    lib = File.expand_path('../../../..', original)
    Dir[File.join(lib, '{lex-identity-aws.rb,legion/**/*.rb}')].each { |path| write(path.delete_prefix("#{lib}/"), File.read(path)) }
  end

  def entry = File.join(root, "#{FOLDER}.rb")

  def write(name, text)
    path = File.join(root, name)
    FileUtils.mkdir_p(File.dirname(path))
    File.binwrite(path, text)
  end

  # Stands where the native library would: a Ruby file of its name is found the same way.
  def library(text = GOOD, folder: '.') = write(File.join(FOLDER, folder, 'lex_identity_aws.rb'), text)

  # Code for ruby_process, after which only the copy can be found.
  def code(text)
    "$LOAD_PATH.delete(#{RubyProcess::LIB.inspect})\nENTRY = #{entry.inspect}\n#{text}"
  end

  # For ruby_process: no gem may be found in place of the copy, and Ruby tells all it dislikes.
  def env = { 'RUBYOPT' => '--disable-gems -w', 'RUBYLIB' => nil }

  def remove = FileUtils.remove_entry(root)
end
