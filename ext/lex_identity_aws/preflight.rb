# frozen_string_literal: true

require 'open3'
require 'rbconfig'

module LexIdentityAws
  # What a build from source needs, checked before anything is compiled: each missing piece is one sentence with its
  # remedy instead of a page of compiler output. extconf.rb and bin/setup ask it; it loads nothing but the standard library.
  class Preflight
    MANIFEST = File.expand_path('../../Cargo.toml', __dir__)

    # How to get a piece, by package manager; the first one found on the machine is named.
    REMEDIES = {
      'apt-get' => { compiler: 'apt-get install build-essential', libclang: 'apt-get install libclang-dev', headers: 'apt-get install ruby-dev' },
      'dnf'     => { compiler: 'dnf install gcc make',            libclang: 'dnf install clang-devel',      headers: 'dnf install ruby-devel' },
      'apk'     => { compiler: 'apk add build-base',              libclang: 'apk add clang-dev',            headers: 'apk add ruby-dev' },
      'pacman'  => { compiler: 'pacman -S base-devel',            libclang: 'pacman -S clang',              headers: 'pacman -S ruby' },
      'zypper'  => { compiler: 'zypper install gcc make',         libclang: 'zypper install clang-devel',   headers: 'zypper install ruby-devel' },
      'brew'    => { compiler: 'xcode-select --install',          libclang: 'brew install llvm',            headers: 'brew install ruby' }
    }.freeze

    # Where clang-sys, which bindgen loads libclang with, looks besides LIBCLANG_PATH and LD_LIBRARY_PATH.
    LIBCLANG_FOLDERS = %w[
      /usr/lib/llvm*/lib /usr/lib/*-linux-gnu /usr/lib/*-linux-musl /usr/lib64 /usr/lib64/llvm* /usr/lib64/llvm*/lib /usr/lib
      /usr/lib/llvm*/lib64 /usr/local/llvm*/lib* /usr/local/lib* /opt/homebrew/opt/llvm*/lib /usr/local/opt/llvm*/lib
      /Library/Developer/CommandLineTools/usr/lib /Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib
    ].freeze

    # The first clang that brings stdckdint.h, which Ruby's headers include when Ruby was built with GCC 14 or newer.
    FIRST_CLANG_WITH_STDCKDINT = 18

    def initialize(env: ENV, config: RbConfig::CONFIG, manifest: MANIFEST, libclang_folders: LIBCLANG_FOLDERS)
      @env = env
      @config = config
      @manifest = manifest
      @libclang_folders = libclang_folders
    end

    # What is missing => the sentence that says so, in the order in which to mend it; empty when the build can start.
    def missing
      return {} if @env['LEX_SKIP_PREFLIGHT'] == '1'

      { rust: rust, compiler: compiler, headers: headers, libclang: libclang }.compact
    end

    # The oldest rustc that compiles the gem, as the manifest declares it.
    def msrv
      File.read(@manifest)[/^rust-version\s*=\s*"([\d.]+)"/, 1] or raise ArgumentError, "#{@manifest} declares no rust-version"
    end

    private

    def rust
      tool = %w[cargo rustc].find { |name| which(name).nil? }
      return "Rust is missing (no #{tool} in PATH): install rustc #{msrv} or newer from https://rustup.rs." if tool

      out, ok = run('rustc', '--version')
      return rust_without_toolchain(out) unless ok

      version = out[/rustc (\d+\.\d+\.\d+)/, 1]
      return "rustc does not tell its version (#{first_line(out)}): install rustc #{msrv} or newer from https://rustup.rs." unless version
      return unless Gem::Version.new(version) < Gem::Version.new(msrv)

      "rustc #{version} is too old, #{msrv} or newer is needed: #{which('rustup') ? 'run `rustup update stable`' : 'install it from https://rustup.rs'}."
    end

    # rustup's shims keep their toolchains below HOME, so with another HOME they are there and do not run.
    def rust_without_toolchain(out)
      "rustc is in PATH but does not run (#{first_line(out)}): if HOME (#{@env['HOME']}) is not where rustup was installed, " \
        'set RUSTUP_HOME and CARGO_HOME to the real .rustup and .cargo folders, else run `rustup default stable`.'
    end

    def compiler
      cc = @config['CC'].to_s.split.first || 'cc'
      missing = [cc, 'make'].find { |name| which(name).nil? }
      "There is no C compiler to link with (no #{missing} in PATH): #{remedy(:compiler)}." if missing
    end

    def headers
      folder = @config['rubyhdrdir']
      return if folder && File.exist?(File.join(folder, 'ruby.h'))

      "The headers of this Ruby are missing (no ruby.h in #{folder}): #{remedy(:headers)}."
    end

    def libclang
      return if bundled_libclang?

      found = libclang_files
      return "libclang is missing, bindgen reads Ruby's headers with it: #{remedy(:libclang)}, or set LIBCLANG_PATH to its folder." if found.empty?

      newest = found.filter_map { |file| libclang_major(file) }.max
      return unless newest && newest < FIRST_CLANG_WITH_STDCKDINT && stdckdint? && !@env.key?('BINDGEN_EXTRA_CLANG_ARGS')

      "libclang #{newest} cannot read the headers of this Ruby (they include stdckdint.h, which came with clang #{FIRST_CLANG_WITH_STDCKDINT}): " \
        "install libclang #{FIRST_CLANG_WITH_STDCKDINT} or newer and set LIBCLANG_PATH to its folder."
    end

    # rb_sys hands the library of the libclang gem to bindgen by itself.
    def bundled_libclang?
      Gem::Specification.find_all_by_name('libclang').any?
    end

    def libclang_files
      given = @env['LIBCLANG_PATH']
      return [given] if given && File.file?(given)

      folders = given ? [given] : [*@env['LD_LIBRARY_PATH'].to_s.split(':'), *@libclang_folders, llvm_config_folder].compact
      folders.flat_map { |folder| Dir.glob(File.join(folder, 'libclang{,-[0-9]*}.{so,so.[0-9]*,dylib}')) }
    end

    def llvm_config_folder
      out, ok = run('llvm-config', '--libdir')
      out.strip if ok
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
      manager = REMEDIES.keys.find { |name| which(name) }
      manager ? "run `#{REMEDIES.fetch(manager).fetch(piece)}`" : 'install it with the package manager of this system'
    end

    def which(name)
      return (name if File.executable?(name)) if name.include?('/')

      @env['PATH'].to_s.split(':').map { |folder| File.join(folder, name) }.find { |file| File.file?(file) && File.executable?(file) }
    end

    def run(*command)
      path = which(command.first) or return ['', false]

      out, status = Open3.capture2e(@env.to_h, path, *command.drop(1), unsetenv_others: true)
      [out, status.success?]
    rescue SystemCallError => e
      [e.message, false]
    end

    def first_line(text)
      text.lines.first.to_s.strip
    end
  end
end

# As a program, for bin/setup: the sentences (of the pieces given as arguments, if any), or with --pieces only their names.
if $PROGRAM_NAME == __FILE__
  missing = LexIdentityAws::Preflight.new.missing
  names = ARGV - ['--pieces']
  missing = missing.select { |piece, _| names.include?(piece.to_s) } if names.any?
  ARGV.include?('--pieces') ? puts(missing.keys) : warn(missing.values)
  exit missing.empty?
end
