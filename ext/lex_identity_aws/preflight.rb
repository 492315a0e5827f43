# frozen_string_literal: true

require 'open3'
require 'rbconfig'

module LexIdentityAws
  # What a build from source needs, checked before anything is compiled: each missing piece is one sentence with its
  # remedy instead of a page of compiler output. extconf.rb and bin/setup ask it; it loads nothing but the standard library.
  class Preflight
    MANIFEST = File.expand_path('../../Cargo.toml', __dir__)

    # How to get a piece, by package manager; the first one found on the machine is named. %s is the series of this Ruby.
    REMEDIES = {
      'apt-get' => { compiler: 'apt-get install build-essential', libclang: 'apt-get install libclang-dev', headers: 'apt-get install ruby%s-dev' },
      'dnf'     => { compiler: 'dnf install gcc make',            libclang: 'dnf install clang-devel',      headers: 'dnf install ruby-devel' },
      'apk'     => { compiler: 'apk add build-base',              libclang: 'apk add clang-dev',            headers: 'apk add ruby-dev' },
      'pacman'  => { compiler: 'pacman -S base-devel',            libclang: 'pacman -S clang',              headers: 'pacman -S ruby' },
      'zypper'  => { compiler: 'zypper install gcc make',         libclang: 'zypper install clang-devel',   headers: 'zypper install ruby%s-devel' }
    }.freeze

    # The packages of its Rubies have the series in their names.
    AMAZON_LINUX = REMEDIES['dnf'].merge(headers: 'dnf install ruby%s-devel').freeze

    # Whatever package manager is there: Apple's command line tools have libclang too.
    MACOS = { compiler: 'xcode-select --install', libclang: 'xcode-select --install', headers: 'brew install ruby' }.freeze

    # Where clang-sys 1.9.1, which bindgen loads libclang with, looks besides the folders that the environment names.
    LIBCLANG_FOLDERS = %w[
      /usr/local/llvm*/lib* /usr/local/lib*/*/* /usr/local/lib*/* /usr/local/lib* /usr/lib*/*/* /usr/lib*/* /usr/lib*
      /usr/local/opt/llvm*/lib/llvm*/lib /usr/local/opt/llvm*/lib /Library/Developer/CommandLineTools/usr/lib
      /Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib
    ].freeze

    # The first clang that brings stdckdint.h, which Ruby's headers include when Ruby was built with GCC 14 or newer.
    FIRST_CLANG_WITH_STDCKDINT = 18

    RUST_TOOLS = %w[cargo rustc].freeze

    # Rubies whose C API the native library cannot use.
    FOREIGN_ENGINES = { 'jruby' => 'JRuby', 'truffleruby' => 'TruffleRuby' }.freeze

    OS_RELEASE = '/etc/os-release'

    def initialize(env: ENV, config: RbConfig::CONFIG, engine: RUBY_ENGINE, manifest: MANIFEST, libclang_folders: LIBCLANG_FOLDERS, os_release: OS_RELEASE)
      @env = env
      @config = config
      @engine = engine
      @manifest = manifest
      @libclang_folders = libclang_folders
      @os_release = os_release
    end

    # What is missing => the sentence that says so, in the order in which to mend it; empty when the build can start.
    def missing
      return {} if @env['LEX_SKIP_PREFLIGHT'] == '1'

      foreign = foreign_platform
      foreign ? { platform: foreign } : { rust: rust, compiler: compiler, headers: headers, libclang: libclang }.compact
    end

    # What extconf.rb ends with; nil when the build can start.
    def report
      said = missing
      return if said.empty?

      sentences = said.values.map { |sentence| "  * #{sentence}\n" }
      skip = "\nLEX_SKIP_PREFLIGHT=1 in the environment skips this check.\n" unless said.key?(:platform)
      "\nlex-identity-aws cannot be compiled here:\n#{sentences.join}#{skip}"
    end

    # The oldest rustc that compiles the gem, as the manifest declares it.
    def msrv
      File.read(@manifest)[/^rust-version\s*=\s*"([\d.]+)"/, 1] or raise ArgumentError, "#{@manifest} declares no rust-version"
    end

    # @return [String, nil] rustup's folder, where it must come first in PATH because PATH has no Rust that compiles the gem
    def rust_folder
      rust_folders.find { |folder| rust_problem(folder).nil? }
    end

    # Where the C library is musl, Rust links programs statically by default. Such a build script cannot load libclang, and such a
    # library cannot be loaded by Ruby (rust-lang/rust-bindgen#2360).
    #
    # @return [Array<String>] what rustc is given for every crate
    def rust_flags = @config['host_os'].to_s.include?('musl') ? %w[-C target-feature=-crt-static] : []

    private

    def darwin? = @config['host_os'].to_s.include?('darwin')

    def foreign_platform
      name = FOREIGN_ENGINES[@engine]
      return "#{name} is not supported: the native library is for CRuby, 3.1 or newer." if name

      'Windows is not supported: use Linux (WSL, for example) or macOS.' if @config['host_os'].to_s.match?(/mswin|mingw|cygwin/)
    end

    def rust
      problems = rust_folders.map { |folder| rust_problem(folder) }
      return rust_missing if problems.empty?

      problems.first unless problems.include?(nil)
    end

    def rust_missing
      tool = RUST_TOOLS.find { |name| which(name).nil? }
      "Rust is missing (no #{tool} in #{['PATH', *rustup_folders].join(' or ')}): install rustc #{msrv} or newer from https://rustup.rs." \
        "#{behind_sudo}"
    end

    # sudo replaces PATH and HOME.
    def behind_sudo
      user = @env['SUDO_USER'] or return

      " If #{user} has it, sudo hides it: run `sudo env PATH=\"$PATH\" RUSTUP_HOME=\"$HOME/.rustup\" gem install lex-identity-aws`."
    end

    # Those with Rust, in the order in which they are taken; nil is PATH as it is.
    def rust_folders
      [nil, *rustup_folders].select { |folder| RUST_TOOLS.all? { |name| which(name, folder) } }
    end

    # Where rustup puts its programs. A shell that was not started anew after its installation does not have it in PATH, nor do many services.
    def rustup_folders
      [@env['CARGO_HOME'], @env['HOME'] && File.join(@env['HOME'], '.cargo')].compact.reject(&:empty?).map { |folder| File.join(folder, 'bin') }.uniq
    end

    def rust_problem(folder)
      @rust_problems ||= {}
      @rust_problems.fetch(folder) { @rust_problems[folder] = problem_of_rust(folder) }
    end

    def problem_of_rust(folder)
      out, ok = run('rustc', '--version', folder: folder)
      return rust_without_toolchain(which('rustc', folder), out) unless ok

      version = out[/rustc (\d+\.\d+\.\d+)/, 1]
      return "rustc does not tell its version (#{first_line(out)}): install rustc #{msrv} or newer from https://rustup.rs." unless version
      return unless Gem::Version.new(version) < Gem::Version.new(msrv)

      "rustc #{version} is too old, #{msrv} or newer is needed: #{newer_rust(folder)}."
    end

    # An update does not change which toolchain is in force.
    def newer_rust(folder)
      return 'install it from https://rustup.rs' unless which('rustup', folder)

      chosen = @env['RUSTUP_TOOLCHAIN']
      "run `rustup update stable` and #{chosen ? "set RUSTUP_TOOLCHAIN (now #{chosen}) to stable" : '`rustup default stable`'}"
    end

    # rustup's shims keep their toolchains below HOME, so with another HOME they are there and do not run.
    def rust_without_toolchain(file, out)
      "#{file} does not run (#{first_line(out)}): if HOME (#{@env['HOME']}) is not where rustup was installed, " \
        'set RUSTUP_HOME and CARGO_HOME to the real .rustup and .cargo folders, else run `rustup default stable`.'
    end

    def compiler
      cc = @config['CC'].to_s.split.first || 'cc'
      return "There is no C compiler to link with (no #{cc} in PATH): #{remedy(:compiler)}." if which(cc).nil? || apple_tools_missing?

      "There is no make in PATH: #{remedy(:compiler)}." unless which('make')
    end

    # Without the command line tools, Apple's cc and make are there and end with an error.
    def apple_tools_missing?
      darwin? && which('xcode-select') && apple_developer_folder.nil?
    end

    def apple_developer_folder
      folder, ok = run('xcode-select', '--print-path')
      first_line(folder) if ok
    end

    def headers
      folder = @config['rubyhdrdir']
      return if folder && File.exist?(File.join(folder, 'ruby.h'))

      "The headers of this Ruby are missing (no ruby.h in #{folder}): #{remedy(:headers)}."
    end

    def libclang
      return if bundled_libclang?

      found = libclang_files
      return libclang_missing if found.empty?

      newest = found.filter_map { |file| libclang_major(file) }.max
      return unless newest && newest < FIRST_CLANG_WITH_STDCKDINT && stdckdint? && !@env.key?('BINDGEN_EXTRA_CLANG_ARGS')

      "libclang #{newest} cannot read the headers of this Ruby (they include stdckdint.h, which came with clang #{FIRST_CLANG_WITH_STDCKDINT}): " \
        "install libclang #{FIRST_CLANG_WITH_STDCKDINT} or newer and set LIBCLANG_PATH to its folder."
    end

    def libclang_missing
      config = @env['LLVM_CONFIG_PATH']
      "libclang is missing, bindgen reads Ruby's headers with it: #{remedy(:libclang)}, or set LIBCLANG_PATH to its folder" \
        "#{" (LLVM_CONFIG_PATH, #{config}, leads to none)" if config}."
    end

    # rb_sys hands the library of the libclang gem to bindgen by itself.
    def bundled_libclang?
      Gem::Specification.find_all_by_name('libclang').any?
    end

    def libclang_files
      given = @env['LIBCLANG_PATH']
      return [given] if given && File.file?(given)

      (given ? [given] : libclang_folders).flat_map { |folder| Dir.glob(File.join(folder, 'libclang{,-[0-9]*}.{so,so.[0-9]*,dylib}')) }
    end

    def libclang_folders
      xcode = darwin? && apple_developer_folder
      [*llvm_config_folders, *(File.join(xcode, 'Toolchains/XcodeDefault.xctoolchain/usr/lib') if xcode),
       *%w[LD_LIBRARY_PATH LIBRARY_PATH].flat_map { |name| @env[name].to_s.split(':') }, *@libclang_folders]
    end

    def llvm_config_folders
      prefix, ok = run(@env['LLVM_CONFIG_PATH'] || 'llvm-config', '--prefix')
      ok ? %w[lib lib64].map { |folder| File.join(first_line(prefix), folder) } : []
    end

    # /usr/lib/llvm-14/lib/libclang.so.1, libclang-14.so.14.0.6; nil where the name does not tell.
    def libclang_major(file)
      real = File.realpath(file)
      (real[/libclang-(\d+)/, 1] || real[%r{/llvm-?(\d+)/}, 1] || real[/libclang\.so\.(\d{2,})/, 1])&.to_i
    end

    def stdckdint?
      header = File.join(@config['rubyarchhdrdir'].to_s, 'ruby/config.h')
      File.exist?(header) && File.read(header).match?(/^#define HAVE_STDCKDINT_H 1/)
    end

    def remedy(piece)
      command = remedies&.fetch(piece) or return 'install it with the package manager of this system'

      "run `#{command.sub('%s', @config.values_at('MAJOR', 'MINOR').join('.'))}`"
    end

    def remedies
      return MACOS if darwin?
      return AMAZON_LINUX if File.exist?(@os_release) && File.read(@os_release).match?(/^ID="?amzn"?$/)

      REMEDIES.find { |manager, _| which(manager) }&.last
    end

    # @param folder [String, nil] looked into before PATH
    def which(name, folder = nil)
      return (name if File.executable?(name)) if name.include?('/')

      path(folder).map { |one| File.join(one, name) }.find { |file| File.file?(file) && File.executable?(file) }
    end

    def path(folder = nil) = [*folder, *@env['PATH'].to_s.split(':')]

    def run(program, *arguments, folder: nil)
      file = which(program, folder) or return ['', false]

      out, status = Open3.capture2e(@env.to_h.merge('PATH' => path(folder).join(':')), file, *arguments, unsetenv_others: true)
      [out, status.success?]
    rescue SystemCallError => e
      [e.message, false]
    end

    def first_line(text)
      text.lines.first.to_s.strip
    end
  end
end

# As a program, for bin/setup: the sentences (of the pieces given as arguments, if any), with --pieces only their names, or with
# --rust-folder only that folder.
if $PROGRAM_NAME == __FILE__
  preflight = LexIdentityAws::Preflight.new
  if ARGV == ['--rust-folder']
    puts preflight.rust_folder
    exit
  end
  missing = preflight.missing
  names = ARGV - ['--pieces']
  missing = missing.select { |piece, _| names.include?(piece.to_s) } if names.any?
  ARGV.include?('--pieces') ? puts(missing.keys) : warn(missing.values)
  exit missing.empty?
end
