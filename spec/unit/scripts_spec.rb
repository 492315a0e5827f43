# frozen_string_literal: true

require 'open3'

RSpec.describe 'The shell scripts' do
  root = File.expand_path('../..', __dir__)
  scripts = Dir[*%w[.ci/run bin/* bin/setup.d/*.sh spec/*/setup].map { |pattern| File.join(root, pattern) }].select do |path|
    File.file?(path) && (path.end_with?('.sh') || File.open(path, &:gets).to_s.match?(/\A#!.*sh$/))
  end

  it 'are found' do
    expect(scripts.size).to be > 8
  end

  scripts.each do |path|
    it "have no error of syntax: #{path.delete_prefix("#{root}/")}" do
      shell = path.end_with?('.ci/run') ? 'bash' : 'sh'
      expect(Open3.capture2e(shell, '-n', path)).to match(['', be_success])
    end
  end
end
