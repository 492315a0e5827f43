# frozen_string_literal: true

# Runs code in a child process, because Testing changes the classes that the other specs test.
module Told
  PREAMBLE = <<~RUBY
    require 'legion/extensions/identity/aws'
    Aws = Legion::Extensions::Identity::Aws
    BEFORE = Aws::Session.new
    CURRENT = Aws::Identity.current_credentials
    require 'legion/extensions/identity/aws/testing'
    def said
      yield
    rescue Exception => e
      e.class.name.split('::').last
    end
  RUBY

  # The output of the code, one value a line. There is no AWS: every request would fail.
  def told(code)
    result = ruby_process("#{PREAMBLE}#{code}")
    expect(result.stderr).to be_empty
    expect(result).to be_success
    result.stdout.lines.map(&:chomp)
  end

  # What RSpec says of a spec file with this text.
  def specified(text)
    Dir.mktmpdir do |folder|
      path = File.join(folder, 'a_spec.rb')
      File.write(path, text)
      ruby_process("require 'rspec/core'\nexit RSpec::Core::Runner.run(['--options', '/dev/null', #{path.inspect}])")
    end
  end
end
