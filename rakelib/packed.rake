# frozen_string_literal: true

require 'rubygems/package'
require 'tmpdir'

# Tests the gem as it ships: packed, installed offline into an empty GEM_HOME, loaded from there.

# Copies the gem's dependencies from where bin/setup has put them: when RubyGems builds, it searches GEM_HOME only.
def provide_gems(home, *names)
  roots = [File.expand_path('.local/debs/usr/share/rubygems-integration/all'), *Gem.path]
  names.each do |name|
    specification = roots.flat_map { |root| Dir["#{root}/specifications/#{name}-[0-9]*.gemspec"] }.first or abort "#{name} is missing: run bin/setup"
    mkdir_p [File.join(home, 'gems'), File.join(home, 'specifications')], verbose: false
    cp specification, File.join(home, 'specifications'), verbose: false
    cp_r File.expand_path("../../gems/#{File.basename(specification, '.gemspec')}", specification), File.join(home, 'gems'), verbose: false
  end
end

# The crates of others are compiled once for the checkout and the installed gem; the gem's own code is compiled from the packed files.
# RubyGems runs make clean before it builds, so make gets empty lists of files to remove.
SHARED_CRATES = { 'RB_SYS_CARGO_TARGET_DIR' => File.expand_path(ENV.fetch('CARGO_TARGET_DIR', 'target')),
                  'MAKE'                    => 'make CLEANOBJS= RUBYGEMS_CLEAN_DIRS=' }.freeze

# No file of this checkout may be found by accident: no load path, no Bundler.
def installed_environment(home)
  { 'GEM_HOME' => home, 'GEM_PATH' => [home, File.expand_path('.local/debs/usr/share/rubygems-integration/all'), *Gem.path].join(':'),
    'RUBYLIB' => nil, 'RUBYOPT' => nil, 'BUNDLE_GEMFILE' => nil, 'BUNDLER_SETUP' => nil }
end

# Runs the native specs in a folder without the checkout's lib.
def native_specs_of_installed_gem(folder, environment)
  cp_r 'spec', folder, verbose: false
  rm_rf Dir[File.join(folder, 'spec/*/target')], verbose: false
  rspec_paths = UNPACKED_GEMS.empty? ? $LOAD_PATH.grep(%r{/(rspec|diff-lcs|aws-|jmespath)[^/]*/}) : UNPACKED_GEMS
  cd(folder, verbose: false) do
    sh environment, Gem.ruby, 'spec/packed/use.rb', environment.fetch('GEM_HOME'), verbose: false
    sh environment.merge('RUBYLIB' => rspec_paths.join(':')), Gem.ruby, '-EUTF-8', '-rrspec/core', '-e', 'RSpec::Core::Runner.invoke', '--',
       '--require', 'spec_helper', 'spec/native', verbose: false
  end
end

desc 'Install the packed gem into an empty GEM_HOME and use it there; packed[pkg/a.gem] takes another file, of a platform too'
task :packed, [:gem] => :fake_aws do |_, given|
  Rake::Task[:build].invoke unless given.gem
  file = File.expand_path(given.gem || GEM_FILE)

  Dir.mktmpdir('packed') do |folder|
    home = File.join(folder, 'gems')
    provide_gems home, 'rb_sys', 'rake-compiler-dock' if Gem::Package.new(file).spec.extensions.any?
    environment = installed_environment(home).merge('GEM_PATH' => nil) # without this user's gems
    sh environment.merge(SHARED_CRATES), Gem.ruby, '-S', 'gem', 'install', '--local', '--no-document', file, verbose: false
    native_specs_of_installed_gem(folder, environment)
  end
end
