# frozen_string_literal: true

require 'tmpdir'

# The gem that ships is the gem that is tested: packed, installed offline into an empty GEM_HOME, loaded from there.

# Nothing of this checkout may be found by accident: no load path, no Bundler, no gems but rb_sys and those of the Ruby itself.
def installed_environment(home)
  { 'GEM_HOME' => home, 'GEM_PATH' => [home, File.expand_path('.local/debs/usr/share/rubygems-integration/all'), *Gem.path].join(':'),
    'RUBYLIB' => nil, 'RUBYOPT' => nil, 'BUNDLE_GEMFILE' => nil, 'BUNDLER_SETUP' => nil }
end

desc 'Install the packed gem into an empty GEM_HOME and use it there; packed[pkg/a.gem] takes another file'
task :packed, [:gem] => :fake_aws do |_, given|
  Rake::Task[:build].invoke unless given.gem
  file = File.expand_path(given.gem || GEM_FILE)

  Dir.mktmpdir('packed') do |folder|
    home = File.join(folder, 'gems')
    environment = installed_environment(home)
    sh environment, Gem.ruby, '-S', 'gem', 'install', '--local', '--no-document', file, verbose: false

    # The specs alone, without the lib folder they usually find beside them.
    cp_r 'spec', folder, verbose: false
    rm_rf File.join(folder, 'spec/fake_aws'), verbose: false
    cd(folder, verbose: false) do
      sh environment, Gem.ruby, 'spec/packed/use.rb', home, verbose: false
      library_paths = UNPACKED_GEMS.join(':')
      sh environment.merge('RUBYLIB' => library_paths), Gem.ruby, '-rrspec/core', '-e', 'RSpec::Core::Runner.invoke', '--',
         '--default-path', 'spec', '--require', 'spec_helper', 'spec/native', verbose: false
    end
  end
end
