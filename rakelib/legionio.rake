# frozen_string_literal: true

require 'digest'

# Tests the packed gem in the real LegionIO: Ruby 3.4, the gems of bin/setup --legionio, a network with loopback only.

LEGIONIO = '.local/rubies'
INSTALLED = File.expand_path("#{LEGIONIO}/ours")

# The exit status for a leg that could not run; .ci/run reports it.
def did_not_run(why)
  warn "LEGIONIO DID NOT RUN: #{why}"
  exit 75
end

# The command that starts another one in a network name space of its own, where the system permits it.
def own_network
  [%w[unshare --net], %w[unshare --user --map-root-user --net]].find { |command| system(*command, 'true', err: File::NULL) }
end

def install_for_legionio(home)
  provide_gems home, 'rb_sys', 'rake-compiler-dock'
  environment = installed_environment(home).merge('GEM_PATH' => nil, **SHARED_CRATES)
  sh environment, Gem.ruby, '-S', 'gem', 'install', '--local', '--no-document', GEM_FILE, verbose: false
end

namespace :legionio do
  desc 'Install the packed gem for LegionIO, unless the installed one has the same files'
  task :install do
    digest = Digest::SHA256.new
    SPECIFICATION.files.sort.each { |file| digest << file << File.binread(file) }
    stamp = "#{RUBY_VERSION} #{digest.hexdigest}"
    next if File.exist?("#{INSTALLED}/stamp") && File.read("#{INSTALLED}/stamp") == stamp

    Rake::Task[:build].invoke
    rm_rf "#{INSTALLED}.new", verbose: false
    install_for_legionio("#{INSTALLED}.new")
    File.write("#{INSTALLED}.new/stamp", stamp)
    rm_rf INSTALLED, verbose: false
    mv "#{INSTALLED}.new", INSTALLED, verbose: false
  end
end

# Runs Ruby with LegionIO, the installed gem and a local AWS, without a network.
def in_legionio(*arguments)
  did_not_run('Ruby 3.4 or newer is needed (bin/with-ruby 3.4)') if RUBY_VERSION < '3.4'
  did_not_run('LegionIO is not here (bin/setup --legionio)') unless Dir.exist?("#{LEGIONIO}/legionio/gems")
  network = own_network or did_not_run('this system gives no network name space (unshare --net)')

  %w[fake_aws legionio:install].each { |name| Rake::Task[name].invoke }
  environment = { 'LEGIONIO_GEMS' => File.expand_path(LEGIONIO), 'GEM_PATH' => [INSTALLED, *Gem.path].join(':') }
  sh environment, *network, Gem.ruby, '-r./spec/support/loopback', *arguments, verbose: false
end

desc 'The specs on the real LegionIO (bin/setup --legionio); SPEC selects files'
task :legionio do
  in_legionio('-EUTF-8', '-rrspec/core', '-e', 'RSpec::Core::Runner.invoke', '--', *(ENV['SPEC']&.split || 'spec/legionio'))
end
