# frozen_string_literal: true

# The gem: packed, and installed from the packed file.

SPECIFICATION = Gem::Specification.load('lex-identity-aws.gemspec')
GEM_FILE = File.join('pkg', SPECIFICATION.file_name)

directory 'pkg'

desc "Pack #{GEM_FILE}"
task build: 'pkg' do
  sh Gem.ruby, '-S', 'gem', 'build', '--quiet', '--strict', '--output', GEM_FILE, 'lex-identity-aws.gemspec', verbose: false
  puts "#{GEM_FILE}: #{File.size(GEM_FILE) / 1024} kB"
end

desc 'Install the packed gem (it compiles: about a minute)'
task install: :build do
  sh Gem.ruby, '-S', 'gem', 'install', '--local', '--no-document', GEM_FILE
end
