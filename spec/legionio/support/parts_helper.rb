# frozen_string_literal: true

require 'open3'
require 'support/legionio'

# Runs code beside LegionIO's Resolver and Broker (parts.rb) in a process of its own.
module Parts
  Result = Struct.new(:answer, :log, keyword_init: true) do
    # Lines of ours above debug.
    def lines = log.lines(chomp: true).grep(/\[identity\]\[aws\]/).grep_v(/ DEBUG /).map { |line| line.gsub(/\e\[[\d;]*m/, '') }
  end

  # The code says what it found with `answer`.
  def in_parts(code, env: local_aws.env_with_keys, timeout: 40)
    home = Dir.mktmpdir('parts')
    clean = LegionIO.environment(home, gems: %w[ours]).merge(env.compact, 'AWS_REGION' => 'eu-west-1')
    out, status = Timeout.timeout(timeout) do
      Open3.capture2e(clean, RbConfig.ruby, "-r#{__dir__}/parts", '-e', code, unsetenv_others: true, chdir: home)
    end
    raise "the process ended with #{status}:\n#{out}" unless status.success? && out[/^ANSWER (.*)$/]

    Result.new(answer: JSON.parse(out[/^ANSWER (.*)$/, 1], symbolize_names: true), log: out)
  ensure
    FileUtils.remove_entry(home) if home
  end
end
