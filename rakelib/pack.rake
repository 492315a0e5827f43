# frozen_string_literal: true

require 'digest'

# Packs the gem, and installs the packed file.

GEM_FILE = File.join('pkg', SPECIFICATION.file_name)

directory 'pkg'

desc "Pack #{GEM_FILE}"
task build: 'pkg' do
  sh Gem.ruby, '-S', 'gem', 'build', '--quiet', '--strict', '--output', GEM_FILE, 'lex-identity-aws.gemspec', verbose: false
  puts "#{GEM_FILE}: #{File.size(GEM_FILE) / 1024} kB"
end

desc 'Install the packed gem (it compiles for some minutes)'
task install: :build do
  sh Gem.ruby, '-S', 'gem', 'install', '--local', '--no-document', GEM_FILE
end

desc 'Write the SHA-256 of every gem in pkg, in the format of sha256sum'
task checksums: 'pkg' do
  gems = Dir['pkg/*.gem']
  abort 'There is no gem in pkg: run rake build.' if gems.empty?

  File.write('pkg/SHA256SUMS', gems.sort.map { |gem| "#{Digest::SHA256.file(gem).hexdigest}  #{File.basename(gem)}\n" }.join)
  puts File.read('pkg/SHA256SUMS')
end
