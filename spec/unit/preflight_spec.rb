# frozen_string_literal: true

require 'tmpdir'
require_relative '../../ext/lex_identity_aws/preflight'

RSpec.describe LexIdentityAws::Preflight do
  subject(:preflight) do
    described_class.new(env: env, config: config, engine: engine, manifest: manifest, libclang_folders: [folder('clang')], os_release: os_release)
  end

  around do |example|
    Dir.mktmpdir do |root|
      @root = root
      example.run
    end
  end

  # A machine on which everything is there; each example takes one thing away.
  before do
    File.write(manifest, %([workspace.package]\nrust-version = "1.94.1"\n))
    program('cargo')
    program('rustc', 'echo "rustc 1.95.0 (59807616e 2026-04-14)"')
    program('gcc')
    program('make')
    File.write(File.join(folder('headers'), 'ruby.h'), '')
    File.write(File.join(folder('clang'), 'libclang-14.so.1'), '')
  end

  let(:manifest) { File.join(@root, 'Cargo.toml') }
  let(:engine) { 'ruby' }
  let(:env) { { 'PATH' => folder('bin'), 'HOME' => '/home/of/another' } }
  let(:config) { { 'CC' => 'gcc -pthread', 'rubyhdrdir' => folder('headers'), 'rubyarchhdrdir' => folder('headers'), 'MAJOR' => '3', 'MINOR' => '4' } }
  let(:os_release) { File.join(@root, 'os-release') }

  def folder(name)
    File.join(@root, name).tap { |path| FileUtils.mkdir_p(path) }
  end

  def program(name, script = 'exit 0', to: 'bin')
    File.write(File.join(folder(to), name), "#!/bin/sh\n#{script}\n", perm: 0o755)
  end

  def rustup_in(place, rustc: 'echo "rustc 1.95.0 (59807616e 2026-04-14)"')
    program('cargo', to: place)
    program('rustc', rustc, to: place)
  end

  def remove(*names)
    names.each { |name| FileUtils.rm(File.join(folder('bin'), name)) }
  end

  it 'has nothing to say where everything is there' do
    expect(preflight.missing).to be_empty
  end

  it 'reads the oldest rustc from the manifest that ships' do
    expect(described_class.new.msrv).to eq(File.read(described_class::MANIFEST)[/rust-version = "(.*?)"/, 1])
  end

  it 'says where Rust is to be had' do
    remove('cargo', 'rustc')
    expect(preflight.missing).to eq(rust: 'Rust is missing (no cargo in PATH or /home/of/another/.cargo/bin): install rustc 1.94.1 or newer from https://rustup.rs.')
  end

  it 'says that sudo hides the Rust of a user' do
    remove('rustc')
    env['SUDO_USER'] = 'ada'
    expect(preflight.missing[:rust]).to end_with(
      'from https://rustup.rs. If ada has it, sudo hides it: run `sudo env PATH="$PATH" RUSTUP_HOME="$HOME/.rustup" gem install lex-identity-aws`.'
    )
  end

  it 'says how an old Rust of rustup is updated' do
    program('rustc', 'echo "rustc 1.94.0 (4a4ef493e 2026-03-02)"')
    program('rustup')
    expect(preflight.missing).to eq(rust: 'rustc 1.94.0 is too old, 1.94.1 or newer is needed: run `rustup update stable` and `rustup default stable`.')
  end

  it 'names the variable that chooses an old Rust' do
    program('rustc', 'echo "rustc 1.94.0 (4a4ef493e 2026-03-02)"')
    program('rustup')
    env['RUSTUP_TOOLCHAIN'] = '1.94.0'
    expect(preflight.missing[:rust]).to end_with('run `rustup update stable` and set RUSTUP_TOOLCHAIN (now 1.94.0) to stable.')
  end

  it 'sends those with an old Rust of their distribution to rustup' do
    program('rustc', 'echo "rustc 1.63.0"')
    expect(preflight.missing[:rust]).to end_with('install it from https://rustup.rs.')
  end

  it 'takes a nightly for the version it will become' do
    program('rustc', 'echo "rustc 1.96.0-nightly (9f2ab1c5e 2026-05-01)"')
    expect(preflight.missing).to be_empty
  end

  it 'takes the Rust of PATH where it does' do
    env['HOME'] = folder('home')
    rustup_in('home/.cargo/bin')
    expect([preflight.missing, preflight.rust_folder]).to eq([{}, nil])
  end

  it 'finds the Rust of rustup outside of PATH' do
    remove('cargo', 'rustc')
    { 'HOME' => ['home', 'home/.cargo/bin'], 'CARGO_HOME' => ['cargo home', 'cargo home/bin'] }.each do |name, (value, place)|
      env[name] = folder(value)
      rustup_in(place)
      expect([preflight.missing, preflight.rust_folder]).to eq([{}, folder(place)])
    end
  end

  it 'prefers the Rust of rustup to one in PATH that is too old' do
    env['HOME'] = folder('home')
    program('rustc', 'echo "rustc 1.63.0"')
    rustup_in('home/.cargo/bin')
    expect([preflight.missing, preflight.rust_folder]).to eq([{}, folder('home/.cargo/bin')])
  end

  it 'says what is wrong with the Rust of rustup outside of PATH' do
    remove('cargo', 'rustc')
    env['HOME'] = folder('home')
    rustup_in('home/.cargo/bin', rustc: 'echo "rustc 1.80.1 (3f5fd8dd4 2024-08-06)"')
    program('rustup', to: 'home/.cargo/bin')
    expect([preflight.missing[:rust], preflight.rust_folder])
      .to eq(['rustc 1.80.1 is too old, 1.94.1 or newer is needed: run `rustup update stable` and `rustup default stable`.', nil])
  end

  it 'explains a rustup that does not find its toolchain' do
    program('rustc', 'echo "error: rustup could not choose a version of rustc to run" >&2; exit 1')
    expect(preflight.missing[:rust])
      .to include('rustup could not choose a version', 'HOME (/home/of/another)', 'set RUSTUP_HOME and CARGO_HOME')
  end

  it 'names the command of the package manager that is there' do
    remove('gcc')
    program('dnf')
    expect(preflight.missing).to eq(compiler: 'There is no C compiler to link with (no gcc in PATH): run `dnf install gcc make`.')
  end

  it 'misses make, and says so though a compiler is there' do
    remove('make')
    program('apt-get')
    expect(preflight.missing).to eq(compiler: 'There is no make in PATH: run `apt-get install build-essential`.')
  end

  it 'misses the headers of Ruby' do
    FileUtils.rm(File.join(folder('headers'), 'ruby.h'))
    program('apk')
    expect(preflight.missing[:headers]).to include('no ruby.h in', '`apk add ruby-dev`')
  end

  it 'names the packages of this series of Ruby where their names have it' do
    FileUtils.rm(File.join(folder('headers'), 'ruby.h'))
    said = { 'zypper' => 'ruby3.4-devel', 'dnf' => 'ruby-devel', 'apt-get' => 'ruby3.4-dev' }.to_h do |manager, package|
      program(manager)
      [package, preflight.missing[:headers][/install (\S+)`/, 1]]
    end
    expect(said.keys).to eq(said.values)
  end

  it 'knows the package names of Amazon Linux' do
    FileUtils.rm(File.join(folder('headers'), 'ruby.h'))
    FileUtils.rm_r(folder('clang'))
    program('dnf')
    File.write(os_release, %(NAME="Amazon Linux"\nVERSION="2023"\nID="amzn"\nID_LIKE="fedora"\n))
    expect(preflight.missing).to match(headers: /`dnf install ruby3\.4-devel`/, libclang: /`dnf install clang-devel`/)
  end

  it 'names no command of a package manager that it does not know' do
    remove('gcc')
    expect(preflight.missing[:compiler]).to end_with('(no gcc in PATH): install it with the package manager of this system.')
  end

  context 'with macOS' do
    before { config['host_os'] = 'darwin24' }

    it 'takes it for no Windows' do
      expect(preflight.missing).to be_empty
    end

    it "says that Apple's tools are missing, where cc and make are there and do not run" do
      program('xcode-select', 'echo "xcode-select: error: unable to get active developer directory" >&2; exit 2')
      program('brew')
      FileUtils.rm_r(folder('clang'))
      expect(preflight.missing).to match(compiler: /run `xcode-select --install`/, libclang: /run `xcode-select --install`/)
    end

    it 'finds the libclang of an Xcode elsewhere' do
      tools = folder('Xcode.app/Contents/Developer')
      program('xcode-select', "[ $1 = --print-path ] && echo #{tools}")
      FileUtils.rm_r(folder('clang'))
      File.write(File.join(folder('Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib'), 'libclang.dylib'), '')
      expect(preflight.missing).to be_empty
    end
  end

  it 'has Rust link dynamically where the C library is musl' do
    expect(%w[linux-gnu linux darwin24 linux-musl].to_h { |system| [system, described_class.new(config: { 'host_os' => system }).rust_flags] })
      .to eq('linux-gnu' => [], 'linux' => [], 'darwin24' => [], 'linux-musl' => %w[-C target-feature=-crt-static])
  end

  it 'misses libclang' do
    FileUtils.rm_r(folder('clang'))
    program('apt-get')
    expect(preflight.missing[:libclang]).to include('`apt-get install libclang-dev`', 'LIBCLANG_PATH')
  end

  it 'believes LIBCLANG_PATH, a folder or a file' do
    FileUtils.rm_r(folder('clang'))
    File.write(file = File.join(folder('elsewhere'), 'libclang.so'), '')
    [folder('elsewhere'), file].each do |path|
      env['LIBCLANG_PATH'] = path
      expect(described_class.new(env: env, config: config, manifest: manifest, libclang_folders: []).missing).to be_empty
    end
  end

  it 'asks the llvm-config of LLVM_CONFIG_PATH, else the one in PATH' do
    FileUtils.mv(folder('clang'), "#{folder('llvm-19')}/lib")
    [folder('any'), folder('bin')].each do |place|
      program('llvm-config', "[ $1 = --prefix ] && echo #{folder('llvm-19')}", to: File.basename(place))
      env['LLVM_CONFIG_PATH'] = File.join(place, 'llvm-config') if place.end_with?('any')
      expect(preflight.missing).to be_empty
      env.delete('LLVM_CONFIG_PATH')
    end
  end

  it 'says that LLVM_CONFIG_PATH leads to no libclang' do
    FileUtils.rm_r(folder('clang'))
    env['LLVM_CONFIG_PATH'] = '/nowhere/llvm-config'
    expect(preflight.missing[:libclang]).to end_with('or set LIBCLANG_PATH to its folder (LLVM_CONFIG_PATH, /nowhere/llvm-config, leads to none).')
  end

  it 'does not look elsewhere when LIBCLANG_PATH leads nowhere' do
    env['LIBCLANG_PATH'] = folder('empty')
    expect(preflight.missing.keys).to eq([:libclang])
  end

  context 'with a Ruby built with a compiler that has stdckdint.h' do
    before do
      FileUtils.mkdir_p(File.join(folder('headers'), 'ruby'))
      File.write(File.join(folder('headers'), 'ruby', 'config.h'), "#define HAVE_STDCKDINT_H 1\n")
    end

    it 'says that an older libclang cannot read its headers' do
      expect(preflight.missing[:libclang]).to include('libclang 14 cannot read the headers of this Ruby', 'clang 18')
    end

    it 'is content with a newer one beside it' do
      File.write(File.join(folder('clang'), 'libclang-21.so.21'), '')
      expect(preflight.missing).to be_empty
    end

    it 'trusts an environment that configures bindgen itself' do
      env['BINDGEN_EXTRA_CLANG_ARGS'] = '-idirafter /usr/lib/clang/18/include'
      expect(preflight.missing).to be_empty
    end
  end

  it 'names everything at once, Rust first' do
    remove('cargo', 'rustc', 'gcc')
    FileUtils.rm_r(folder('clang'))
    expect(preflight.missing.keys).to eq(%i[rust compiler libclang])
  end

  { 'jruby' => /\AJRuby is not supported: .* CRuby/, 'truffleruby' => /\ATruffleRuby is not supported: .* CRuby/ }.each do |name, words|
    context "with #{name}" do
      let(:engine) { name }

      it('says that alone') { remove('cargo') && expect(preflight.missing).to(match(platform: words)) }

      it('does not offer to skip it') { expect(preflight.report).not_to include('LEX_SKIP_PREFLIGHT') }
    end
  end

  %w[mingw32 mingw-ucrt mswin64_140 cygwin].each do |system|
    it "says that Windows (#{system}) is not supported" do
      config['host_os'] = system
      remove('cargo')
      expect(preflight.missing).to match(platform: /\AWindows is not supported: use Linux/)
    end
  end

  it 'names what skips it in its report, and reports nothing where all is there' do
    expect(preflight.report).to be_nil
    remove('make')
    expect(preflight.report).to include('  * There is no make in PATH', 'LEX_SKIP_PREFLIGHT=1')
  end

  it 'can be told to be silent' do
    remove('cargo')
    env['LEX_SKIP_PREFLIGHT'] = '1'
    expect(preflight.missing).to be_empty
  end

  it 'is what extconf.rb says before it does anything' do
    extconf = File.expand_path('../../ext/lex_identity_aws/extconf.rb', __dir__)
    Dir.mktmpdir do |build|
      env = { 'PATH' => folder('empty'), 'HOME' => folder('empty'), 'CARGO_HOME' => nil, 'LEX_SKIP_PREFLIGHT' => nil }
      result = ruby_process("Dir.chdir(#{build.dump}); load #{extconf.dump}", env: env)
      expect(result).not_to be_success
      expect(result.stderr).to include('cannot be compiled here', '  * Rust is missing', 'LEX_SKIP_PREFLIGHT=1')
      expect(Dir.children(build)).to be_empty
    end
  end

  # What extconf.rb gives rb_sys, where its preflight is skipped.
  def built_with(*fields, before: '')
    File.write(File.join(folder('stub/rb_sys'), 'mkmf.rb'), <<~RUBY)
      Build = Struct.new(:auto_install_rust_toolchain, :extra_rustflags, :env) { def rubygems_invoked? = false }
      def create_rust_makefile(_) = Build.new.then { |build| yield build; puts [#{fields.join(', ')}] }
    RUBY
    code = "$LOAD_PATH.unshift #{folder('stub').dump}; #{before}; load #{File.expand_path('../../ext/lex_identity_aws/extconf.rb', __dir__).dump}"
    ruby_process(code, env: { 'PATH' => folder('empty'), 'HOME' => folder('home'), 'CARGO_HOME' => nil, 'LEX_SKIP_PREFLIGHT' => '1' }).stdout.lines(chomp: true)
  end

  it 'makes extconf.rb put the Rust it found into PATH, for make too' do
    rustup_in('home/.cargo/bin', rustc: 'echo "rustc 9.0.0"')
    expect(built_with("build.env['PATH']", "ENV.fetch('PATH')")).to eq([':$(PATH)', ":#{folder('empty')}"].map { |rest| folder('home/.cargo/bin') + rest })
  end

  it 'makes extconf.rb give Rust the flags of the system' do
    expect(built_with('*build.extra_rustflags', before: "RbConfig::CONFIG['host_os'] = 'linux-musl'")).to eq(%w[-C target-feature=-crt-static])
  end
end
