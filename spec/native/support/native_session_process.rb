# frozen_string_literal: true

require 'native/support/native_session'

# Runs scripts in child processes for the native specs.
module NativeSessionProcess
  NATIVE_SESSION = File.expand_path('native_session.rb', __dir__)

  # The code, with the lines every script begins with.
  def script(code)
    "require #{NATIVE_SESSION.inspect}\ninclude NativeSession\n#{code}"
  end

  # ENV of a script: keys of a user at the local AWS, and the address of its control API.
  def script_env(**options)
    local_aws.env_with_keys(**options).merge('LOCAL_AWS_PORT' => local_aws.http[/\d+\z/])
  end

  # Runs a script; returns the facts it printed, with symbol keys.
  def facts(code, env: {}, timeout: 30)
    result = ruby_process(script(code), env: script_env.merge(env), timeout: timeout)
    expect([result.status.exitstatus, result.stderr]).to eq([0, '']), "#{result.status}\n#{result.output}"
    JSON.parse(result.stdout.lines.last, symbolize_names: true)
  end

  # Starts a script that waits for AWS, which holds its answer until the block calls its second argument.
  def waiting_ruby(code)
    hold = local_aws.rule(action: 'AssumeRole', hold: true)
    start_ruby(script(code), env: script_env) do |ruby|
      local_aws.wait_for_requests(1, timeout: 10)
      sleep 0.05 # from the start of the fetch to the wait for it
      yield ruby, -> { local_aws.remove_rule(hold) }
    end
  end

  def assume_role_requests
    local_aws.requests(action: 'AssumeRole').size
  end
end

RSpec.configure do |config|
  config.include NativeSession, :native_session
  config.include NativeSessionProcess, :native_session
end
