# frozen_string_literal: true

require 'tmpdir'

# The short form of `rake soak`, in a process of its own.
RSpec.describe 'A session of short-lived credentials', :slow, timeout: 90 do
  it 'hands out expired credentials only in a back-off, and keeps its limits, beside failures, forks and interrupts' do
    result = ruby_process(<<~RUBY, timeout: 60)
      $LOAD_PATH << #{File.expand_path('..', __dir__).inspect}
      require 'support/soak'
      # The bound on a call is one for a busy machine; rake soak has the real one.
      exit Soak.new(seconds: 22, slack: 8.0, pauses: { 'busy' => 0.2, 'steady' => 2.0, 'idle' => 30.0 }).run
    RUBY
    expect(result.output.lines.grep(/VIOLATION/)).to eq([])
    expect(result).to have_attributes(success?: true, stderr: '')
  end
end
