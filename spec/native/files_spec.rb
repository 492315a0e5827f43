# frozen_string_literal: true

# What reads files for the program, the doctor and Aws.profiles: a file system may be slow or hang.
RSpec.describe 'A thread that reads files' do
  native = Legion::Extensions::Identity::Aws::Internal::Native

  around { |example| Dir.mktmpdir { |home| with_env('HOME' => home) { example.run } } }

  def layers(**options)
    { options: options, settings: nil, environment: Legion::Extensions::Identity::Aws::Internal::Layers.environment, deadline_cap: nil }
  end

  def put(path, text)
    FileUtils.mkdir_p(File.dirname(path), mode: 0o700)
    File.write(path, text, perm: 0o600)
  end

  # How often another thread came to run while the block did.
  def turns
    count = 0
    other = Thread.new { loop { sleep(0.0005) && count += 1 } }
    Thread.pass until count.positive?
    before = count
    yield
    count - before
  ensure
    other&.kill
  end

  def many_entries
    4000.times { |number| put(File.join(Dir.home, '.aws/cli/cache', "#{format('%040x', number)}.json"), '{}') }
  end

  it 'lets the other threads run while profiles are listed' do
    put(File.join(Dir.home, '.aws/config'), Array.new(10_000) { |number| "[profile p#{number}]\nregion = r\n" }.join)
    expect(turns { expect(native.profiles(layers).size).to be(10_000) }).to be > 3
  end

  it 'lets the other threads run while entries of the cache are listed' do
    many_entries
    expect(turns { expect(native.cached(layers(cache: true), true, false)[:files].size).to be(4000) }).to be > 3
  end

  it 'lets the other threads run while modes are mended' do
    many_entries
    expect(turns { expect(native.mend(layers)).to eq([]) }).to be > 3
  end
end
