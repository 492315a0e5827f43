# frozen_string_literal: true

require 'unit/support/gem_copy'

RSpec.describe 'A command of the program' do
  let(:copy) { GemCopy.new.tap(&:library) }

  after { copy.remove }

  def run(*words)
    code = "require File.join(File.dirname(ENTRY), 'aws/cli')\nexit Legion::Extensions::Identity::Aws::Cli.run(#{words.inspect})"
    ruby_process(copy.code(code), env: copy.env)
  end

  it 'is a file that bears its name, and no more' do
    copy.write("#{GemCopy::FOLDER}/cli/commands/greet.rb", <<~RUBY)
      require_relative '../command'
      class Legion::Extensions::Identity::Aws::Cli::Greet < Legion::Extensions::Identity::Aws::Cli::Command
        SUMMARY = 'says hello'
        POSITION = 99
        def declare(options) = options.on('--whom NAME') { |name| @whom = name }
        private def run = output.print("Hello, \#{@whom}.") || :nothing
      end
    RUBY
    expect(run('greet', '--whom', 'reader')).to have_attributes(stdout: "Hello, reader.\n", stderr: '', status: have_attributes(exitstatus: 3))
    expect(run('--help').stdout).to match(/^    completion .*\n    greet        says hello\n    help /)
    expect(run('greet', '--help').stdout)
      .to start_with("Usage: lex-identity-aws greet [OPTION...]\n\nSays hello.\n\nOptions\n        --whom NAME\n    -h, --help\n")
    expect(run('great').stderr).to include('There are whoami, doctor, credentials, exec, token, profiles, cache, legionio, completion, greet.')
    expect(run('../command').stderr).to include('There is no command "../command".')
  end
end
