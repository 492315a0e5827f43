# frozen_string_literal: true

require 'rubygems/package'
require_relative '../packaging/crate_licenses'
require_relative '../packaging/native_rubies'
require_relative '../packaging/platform'

# The platform gem: the library is compiled once for each series of Ruby, so that its installation compiles nothing. bin/setup --rubies
# --native provides the Rubies and the linker. The release runs these same tasks.

# The first RubyGems that tells linux-gnu from linux-musl.
NATIVE_RUBYGEMS_REQUIREMENT = '>= 3.3.22'

# In .local, which the Debian root of bin/with-ruby shares, unlike pkg.
NATIVE_BUILD = ".local/native/#{Platform::NAME}".freeze
PLATFORM_GEM = File.join('pkg', "#{SPECIFICATION.full_name}-#{Platform::NAME}.gem").freeze

def native_library(series) = "#{NATIVE_BUILD}/#{series}/#{NATIVE_LIBRARY}"

def platform_specification(files, rubies)
  SPECIFICATION.dup.tap do |spec|
    spec.platform = Platform::NAME
    spec.files = files
    spec.extensions = []
    spec.dependencies.clear # rb_sys is needed to build only
    spec.required_ruby_version = NativeRubies.requirement(rubies)
    spec.required_rubygems_version = NATIVE_RUBYGEMS_REQUIREMENT
  end
end

def stage(file, to)
  mkdir_p File.dirname(to), verbose: false
  cp file, to, preserve: true, verbose: false
end

# @return [String] the folder with what the platform gem has
def stage_platform_gem(rubies)
  "#{NATIVE_BUILD}/gem".tap do |staged|
    rm_rf staged, verbose: false
    SPECIFICATION.files.grep_v(%r{\Aext/|\ACargo\.}).each { |file| stage(file, File.join(staged, file)) }
    rubies.each { |series| stage(native_library(series), "#{staged}/#{NATIVE_FOLDER}/#{series}/#{NATIVE_LIBRARY}") }
    File.write("#{staged}/LICENSES-OF-CRATES.md", CrateLicenses.new(Platform.rust_target).to_s)
  end
end

# bin/with-ruby ends with 69 where it has no such Ruby.
def native_rubies_here
  NativeRubies::SERIES.partition { |series| system('bin/with-ruby', series, 'true') }
end

namespace :native do
  desc 'Compile the library of the platform gem for the Ruby that runs this'
  task :library do
    series = RUBY_VERSION[/\d+\.\d+/]
    abort "The platform gem is for Ruby #{NativeRubies.list}, and this is #{RUBY_VERSION}." unless NativeRubies::SERIES.include?(series)

    built = Platform.gnu? ? Platform.build_for_old_glibc : Rake::Task[:compile].invoke && File.join(NATIVE_FOLDER, NATIVE_LIBRARY)
    Platform.check(built)
    stage(built, native_library(series))
    puts "#{series}/#{NATIVE_LIBRARY} for #{Platform::NAME}: #{File.size(built) / 1024} kB"
  end

  desc "Pack #{PLATFORM_GEM} from what native:library has compiled for Ruby #{NativeRubies.list}; pack[3.3 3.4] for these"
  task :pack, [:rubies] => 'pkg' do |_, given|
    rubies = given.rubies ? given.rubies.split : NativeRubies::SERIES
    missing = rubies.map { |series| native_library(series) }.reject { |library| File.exist?(library) }
    abort "#{missing.join(', ')} is missing: run rake native:library with each Ruby first." if missing.any?

    gem = File.expand_path(PLATFORM_GEM)
    cd(stage_platform_gem(rubies), verbose: false) do
      specification = platform_specification(Dir['**/*'].select { |file| File.file?(file) }, rubies)
      File.write('platform.gemspec', specification.to_ruby)
      sh Gem.ruby, '-S', 'gem', 'build', '--quiet', '--strict', '--output', gem, 'platform.gemspec', verbose: false
    end
    NativeRubies.check(Gem::Package.new(gem).spec)
    puts "#{PLATFORM_GEM} for Ruby #{NativeRubies.list(rubies)}: #{File.size(PLATFORM_GEM) / 1024} kB"
  end
end

desc "Build #{PLATFORM_GEM} for those of Ruby #{NativeRubies.list} that are here, and run the native specs with it on each"
task :native do
  rubies, missing = native_rubies_here
  warn "The platform gem made here is not for Ruby #{NativeRubies.list(missing)}; the released one is." if missing.any?
  rubies.each { |series| sh 'bin/with-ruby', series, 'rake', 'native:library', verbose: false }
  Rake::Task['native:pack'].invoke(rubies.join(' '))
  cp PLATFORM_GEM, NATIVE_BUILD, verbose: false # where the Debian root can read it
  rubies.each { |series| sh 'bin/with-ruby', series, 'rake', "packed[#{NATIVE_BUILD}/#{File.basename(PLATFORM_GEM)}]", verbose: false }
end
