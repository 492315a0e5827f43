# frozen_string_literal: true

require 'tmpdir'
require_relative '../../ext/lex_identity_aws/preflight'

RSpec.describe LexIdentityAws::Preflight do
  subject(:preflight) { described_class.new(env: env, config: config, manifest: manifest, libclang_folders: [folder('clang')]) }

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
  let(:env) { { 'PATH' => folder('bin'), 'HOME' => '/home/of/another' } }
  let(:config) { { 'CC' => 'gcc -pthread', 'rubyhdrdir' => folder('headers'), 'rubyarchhdrdir' => folder('headers') } }

  def folder(name)
    File.join(@root, name).tap { |path| FileUtils.mkdir_p(path) }
  end

  def program(name, script = 'exit 0')
    File.write(File.join(folder('bin'), name), "#!/bin/sh\n#{script}\n", perm: 0o755)
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
    expect(preflight.missing).to eq(rust: 'Rust is missing (no cargo in PATH): install rustc 1.94.1 or newer from https://rustup.rs.')
  end

  it 'says how an old Rust of rustup is updated' do
    program('rustc', 'echo "rustc 1.94.0 (4a4ef493e 2026-03-02)"')
    program('rustup')
    expect(preflight.missing).to eq(rust: 'rustc 1.94.0 is too old, 1.94.1 or newer is needed: run `rustup update stable`.')
  end

  it 'sends those with an old Rust of their distribution to rustup' do
    program('rustc', 'echo "rustc 1.63.0"')
    expect(preflight.missing[:rust]).to end_with('install it from https://rustup.rs.')
  end

  it 'takes a nightly for the version it will become' do
    program('rustc', 'echo "rustc 1.96.0-nightly (9f2ab1c5e 2026-05-01)"')
    expect(preflight.missing).to be_empty
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

  it 'misses make' do
    remove('make')
    program('apt-get')
    expect(preflight.missing[:compiler]).to include('no make in PATH', '`apt-get install build-essential`')
  end

  it 'misses the headers of Ruby' do
    FileUtils.rm(File.join(folder('headers'), 'ruby.h'))
    program('apk')
    expect(preflight.missing[:headers]).to include('no ruby.h in', '`apk add ruby-dev`')
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

  it 'can be told to be silent' do
    remove('cargo')
    env['LEX_SKIP_PREFLIGHT'] = '1'
    expect(preflight.missing).to be_empty
  end

  it 'is what extconf.rb says before it does anything' do
    extconf = File.expand_path('../../ext/lex_identity_aws/extconf.rb', __dir__)
    Dir.mktmpdir do |build|
      result = ruby_process("Dir.chdir(#{build.dump}); load #{extconf.dump}", env: { 'PATH' => folder('empty') })
      expect(result).not_to be_success
      expect(result.stderr).to include('cannot be compiled here', '  * Rust is missing')
      expect(Dir.children(build)).to be_empty
    end
  end
end
