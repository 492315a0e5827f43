# frozen_string_literal: true

# What the gem has and asks for, and how it is released.
RSpec.describe 'The package' do
  root = File.expand_path('../..', __dir__)
  specification = Gem::Specification.load(File.join(root, 'lex-identity-aws.gemspec'))
  workflows = Dir[File.join(root, '.github/workflows/*.yml')].to_h { |path| [File.basename(path), File.read(path)] }

  it 'has the pages that its users read, and no tests' do
    expect(specification.files).to include('README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE', 'docs/security.md')
    expect(specification.files.grep(%r{\A(spec|fuzz)/|/tests/})).to eq([])
  end

  it 'needs no other gem but the one that builds it' do
    expect(specification.runtime_dependencies.map(&:name)).to eq(['rb_sys'])
  end

  it 'is built by workflows that keep no credentials and whose actions are pinned by commit' do
    expect(workflows.keys).to include('ci.yml', 'release.yml')
    workflows.each do |name, text|
      used = text.scan(/^\s*-?\s*uses: ([^.\s]\S*)/).flatten
      expect(used).to all(match(/@\h{40}\z/)), name
      expect(text.scan('persist-credentials: false').size).to eq(used.grep(%r{\Aactions/checkout@}).size), name
    end
  end
end
