# frozen_string_literal: true

require 'native/support/native_session_process'

# How the library was compiled, wherever it comes from: the checkout, an installed source gem, a platform gem.
RSpec.describe 'The native library', :native_session do
  let(:symbols) { File.binread($LOADED_FEATURES.grep(/lex_identity_aws\.(so|bundle)\z/).first) }

  it 'gathers no jitter entropy, which takes 15 to 30 ms in each process and each forked child' do
    expect(symbols).to include('aws_lc_')
    expect(symbols).not_to include('jent_entropy')
  end

  # rustix's own reading of the vDSO ends a process under valgrind (bytecodealliance/rustix#1559).
  it 'makes system calls through the C library' do
    expect(symbols).to include('rustix')
    expect(symbols).not_to include('backend/linux_raw')
  end
end
