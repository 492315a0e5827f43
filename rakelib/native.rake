# frozen_string_literal: true

require_relative '../packaging/crate_licenses'
require_relative '../packaging/platform'

# The platform gem: the library is compiled once for each series of Ruby, so that its installation compiles nothing. bin/setup --native
# provides the Rubies and the linker. The release runs these same tasks.

# Every other Ruby takes the source gem.
NATIVE_RUBIES = %w[3.3 3.4].freeze
NATIVE_RUBY_REQUIREMENT = ['>= 3.3', '< 3.5.dev'].freeze
# The first RubyGems that tells linux-gnu from linux-musl.
NATIVE_RUBYGEMS_REQUIREMENT = '>= 3.3.22'

# In .local, which the Debian root of bin/with-ruby shares, unlike pkg.
NATIVE_BUILD = ".local/native/#{Platform::NAME}".freeze
PLATFORM_GEM = File.join('pkg', "#{SPECIFICATION.full_name}-#{Platform::NAME}.gem").freeze

def platform_specification(files)
  SPECIFICATION.dup.tap do |spec|
    spec.platform = Platform::NAME
    spec.files = files
    spec.extensions = []
    spec.dependencies.clear # rb_sys is needed to build only
    spec.required_ruby_version = NATIVE_RUBY_REQUIREMENT
    spec.required_rubygems_version = NATIVE_RUBYGEMS_REQUIREMENT
  end
end

def stage(file, to)
  mkdir_p File.dirname(to), verbose: false
  cp file, to, preserve: true, verbose: false
end

namespace :native do
  desc 'Compile the library of the platform gem for the Ruby that runs this'
  task :library do
    series = RUBY_VERSION[/\d+\.\d+/]
    abort "The platform gem is for Ruby #{NATIVE_RUBIES.join(' and ')}, and this is #{RUBY_VERSION}." unless NATIVE_RUBIES.include?(series)

    built = Platform.gnu? ? Platform.build_for_old_glibc : Rake::Task[:compile].invoke && File.join(NATIVE_FOLDER, NATIVE_LIBRARY)
    Platform.check(built)
    mkdir_p "#{NATIVE_BUILD}/#{series}", verbose: false
    cp built, "#{NATIVE_BUILD}/#{series}/#{NATIVE_LIBRARY}", verbose: false
    puts "#{series}/#{NATIVE_LIBRARY} for #{Platform::NAME}: #{File.size(built) / 1024} kB"
  end

  desc "Pack #{PLATFORM_GEM} from what native:library has compiled"
  task pack: 'pkg' do
    libraries = NATIVE_RUBIES.map { |series| "#{NATIVE_BUILD}/#{series}/#{NATIVE_LIBRARY}" }
    missing = libraries.reject { |library| File.exist?(library) }
    abort "#{missing.join(', ')} is missing: run rake native:library with each Ruby first." if missing.any?

    gem = File.expand_path(PLATFORM_GEM)
    staged = "#{NATIVE_BUILD}/gem"
    rm_rf staged, verbose: false
    SPECIFICATION.files.grep_v(%r{\Aext/|\ACargo\.}).each { |file| stage(file, File.join(staged, file)) }
    libraries.zip(NATIVE_RUBIES) { |library, series| stage(library, "#{staged}/#{NATIVE_FOLDER}/#{series}/#{NATIVE_LIBRARY}") }
    File.write("#{staged}/LICENSES-OF-CRATES.md", CrateLicenses.new(Platform.rust_target).to_s)
    cd(staged, verbose: false) do
      specification = platform_specification(Dir['**/*'].select { |file| File.file?(file) })
      File.write('platform.gemspec', specification.to_ruby)
      sh Gem.ruby, '-S', 'gem', 'build', '--quiet', '--strict', '--output', gem, 'platform.gemspec', verbose: false
    end
    puts "#{PLATFORM_GEM}: #{File.size(PLATFORM_GEM) / 1024} kB"
  end
end

desc "Build #{PLATFORM_GEM} for Ruby #{NATIVE_RUBIES.join(' and ')}, and run the native specs with it on each"
task :native do
  NATIVE_RUBIES.each { |series| sh 'bin/with-ruby', series, 'rake', 'native:library', verbose: false }
  Rake::Task['native:pack'].invoke
  cp PLATFORM_GEM, NATIVE_BUILD, verbose: false # where the Debian root can read it
  NATIVE_RUBIES.each { |series| sh 'bin/with-ruby', series, 'rake', "packed[#{NATIVE_BUILD}/#{File.basename(PLATFORM_GEM)}]", verbose: false }
end
