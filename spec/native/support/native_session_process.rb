# frozen_string_literal: true

require 'native/support/native_session'

# Scripts in processes of their own, as the seam specs run them.
module NativeSessionProcess
  NATIVE_SESSION = File.expand_path('native_session.rb', __dir__)

  # The script, and all that it needs before it.
  def script(code)
    "require #{NATIVE_SESSION.inspect}\ninclude NativeSession\n#{code}"
  end

  # ENV for it: keys of a user at the local AWS, and the way to its control.
  def script_env(**options)
    local_aws.env_with_keys(**options).merge('LOCAL_AWS_PORT' => local_aws.http[/\d+\z/])
  end

  # Runs a script to its end; what it told, with symbol keys.
  def facts(code, env: {}, timeout: 30)
    result = ruby_process(script(code), env: script_env.merge(env), timeout: timeout)
    expect([result.status.exitstatus, result.stderr]).to eq([0, '']), "#{result.status}\n#{result.output}"
    JSON.parse(result.stdout.lines.last, symbolize_names: true)
  end

  # A script that is waiting for AWS, which holds its answer back until the block calls its second argument.
  def waiting_ruby(code)
    hold = local_aws.rule(action: 'AssumeRole', hold: true)
    start_ruby(script(code), env: script_env) do |ruby|
      local_aws.wait_for_requests(1, timeout: 10)
      sleep 0.05 # from the launch of the flight into the wait for it
      yield ruby, -> { local_aws.remove_rule(hold) }
    end
  end

  def keys_asked_for
    local_aws.requests(action: 'AssumeRole').size
  end
end

RSpec.configure do |config|
  config.include NativeSession, :native_session
  config.include NativeSessionProcess, :native_session
end
