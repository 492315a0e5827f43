# frozen_string_literal: true

require 'doctor/support/broken_world'
require 'unit/support/gem_copy'

RSpec.describe 'The doctor, without the native library,' do
  include BrokenWorld

  let(:copy) { GemCopy.new }

  after { copy.remove }

  def report
    code = "require File.join(File.dirname(ENTRY), 'aws/cli')\nexit Legion::Extensions::Identity::Aws::Cli.run(%w[doctor --json])"
    result = ruby_process(copy.code(code), env: keys.merge(copy.env))
    expect(result.stderr).to be_empty
    expect(result.status.exitstatus).to be(5)
    shows_no_secret(result.output)
    JSON.parse(result.stdout)
  end

  def library(report) = report.fetch('problems').first

  it 'says that it was not found, and how to build it' do
    expect(library(report)).to include('check' => 'library', 'status' => 'fail', 'what' => a_string_including('was not found for Ruby'),
                                       'remedy' => a_string_including('rake compile', 'gem pristine lex-identity-aws'))
  end

  it 'says that it is made for another machine' do
    copy.write("#{GemCopy::FOLDER}/#{GemCopy::LIBRARY}", "\x7FELF, but not really")
    expect(library(report)).to include('what'   => a_string_including('cannot be loaded', GemCopy::LIBRARY),
                                       'remedy' => a_string_including('Install the gem again'))
  end

  it 'says that it is of another release' do
    copy.library("module Legion::Extensions::Identity::Aws::Internal::Native\nVERSION = '0.0.1'\nclass Session; end\nend")
    expect(library(report)).to include('what' => a_string_including('version 0.0.1', Legion::Extensions::Identity::Aws::VERSION))
  end

  it 'names what did not run, and runs the rest' do
    findings = report.fetch('findings').group_by { |found| found['check'] }
    %w[settings files sources network identity mfa role cache].each do |check|
      expect(findings.fetch(check)).to match([include('status' => 'skipped', 'what' => 'not run: it takes the native library')])
    end
    expect(findings.fetch('library').last.fetch('what')).to include("Ruby #{RUBY_VERSION}", RUBY_PLATFORM, "gem files #{Legion::Extensions::Identity::Aws::VERSION}")
    expect(findings.fetch('legionio').first.fetch('what')).to include('LegionIO')
  end
end
