# frozen_string_literal: true

require 'native/support/native_session_process'
require 'unit/support/gem_copy'

# The loader against damaged and foreign libraries, all made from the one under test.
RSpec.describe 'The loading of the native library that ships', :native_session do
  let(:copy)    { GemCopy.new }
  let(:library) { File.binread($LOADED_FEATURES.find { |path| path.end_with?(GemCopy::LIBRARY) }) }
  let(:path)    { File.join(copy.root, GemCopy::FOLDER, GemCopy::LIBRARY) }

  after { copy.remove }

  def place(bytes) = copy.write("#{GemCopy::FOLDER}/#{GemCopy::LIBRARY}", bytes)

  def load_copy(before = '')
    ruby_process(copy.code(<<~RUBY), env: copy.env)
      #{before}
      begin
        require ENTRY
        puts "loaded \#{Legion::Extensions::Identity::Aws::Internal::Native::VERSION}"
      rescue LoadError => e
        puts "LoadError: \#{e.message}"
      end
    RUBY
  end

  def patched(offset, bytes)
    library.dup.tap { |changed| changed[offset, bytes.bytesize] = bytes.b }
  end

  it 'succeeds from any folder and prints nothing' do
    place(library)
    expect(load_copy).to have_attributes(stdout: "loaded #{NativeSession::Aws::VERSION}\n", stderr: '')
  end

  it 'says how to build the library where it is missing' do
    expect(load_copy.stdout).to match(/\ALoadError: .*was not found for Ruby #{RUBY_VERSION}.*rake compile.*gem pristine/)
  end

  {
    'is empty'                  => -> { '' },
    'is cut off in its header'  => -> { library[0, 100] },
    'is cut off in the middle'  => -> { library[0, library.bytesize / 2] },
    'is a text file'            => -> { "version https://git-lfs.github.com/spec/v1\n" * 20 },
    'is of another word length' => -> { patched(4, "\x01") },
    'is of another processor'   => -> { patched(18, "\xF3\x00") } # ELF e_machine: RISC-V
  }.each do |damage, bytes|
    it "says that the library is damaged or made for another machine where it #{damage}" do
      skip 'musl does not look at it' if RUBY_PLATFORM.include?('musl') && damage.start_with?('is of another')
      place(instance_exec(&bytes))
      result = load_copy
      expect(result.stdout).to match(/\ALoadError: .*cannot be loaded into Ruby #{RUBY_VERSION}.*damaged or made for another machine/m), result.output[0, 500]
    end
  end

  it 'says that the library may not be read' do
    place(library)
    File.chmod(0o000, path)
    # The superuser may read anything, so another user tries.
    other_user = Process.euid.zero? ? 'Process::Sys.setgid(65_534); Process::Sys.setuid(65_534)' : ''
    File.chmod(0o755, copy.root)
    expect(load_copy(other_user).stdout).to match(/\ALoadError: .*[Pp]ermission denied.*may not be read or executed here/m)
  end

  it 'names the two releases where library and Ruby files differ' do
    copy.write("#{GemCopy::FOLDER}/version.rb", File.read(File.join(copy.root, GemCopy::FOLDER, 'version.rb')).sub(NativeSession::Aws::VERSION, '9.8.7'))
    place(library)
    expect(load_copy.stdout).to match(/\ALoadError: .*is of version #{NativeSession::Aws::VERSION}, and the Ruby files around it are of version 9\.8\.7/)
  end

  it 'can be retried after the file was replaced' do
    place(library[0, 100])
    result = load_copy(<<~RUBY)
      begin
        require ENTRY
      rescue LoadError
        File.binwrite("#{path}.new", File.binread(#{$LOADED_FEATURES.find { |file| file.end_with?(GemCopy::LIBRARY) }.inspect}))
        File.rename("#{path}.new", "#{path}")
      end
    RUBY
    expect(result.stdout).to eq("loaded #{NativeSession::Aws::VERSION}\n")
  end
end
