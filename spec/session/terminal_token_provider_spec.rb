# frozen_string_literal: true

require 'pty'
require 'session/support/mfa_users'

RSpec.describe Legion::Extensions::Identity::Aws::TerminalTokenProvider, :mfa_users do
  def code(ending)
    <<~RUBY
      require 'legion/extensions/identity/aws'
      Aws = Legion::Extensions::Identity::Aws
      session = Aws::Session.new(role_arn: #{MfaUsers::MFA_ROLE.dump}, serial_number: #{MfaUsers::DEVICE.dump}, token_provider: Aws::TerminalTokenProvider.new)
      #{ending}
    RUBY
  end

  def in_terminal(ending)
    environment = local_aws.env_with_keys
    PTY.spawn(environment, RbConfig.ruby, '-I', RubyProcess::LIB, '-e', code(ending)) do |screen, keyboard, pid|
      @seen = +''
      yield screen, keyboard
      Process.wait(pid)
    end
  end

  def see(screen, pattern)
    Timeout.timeout(20) { @seen << screen.readpartial(1024) until @seen.match?(pattern) }
  rescue Errno::EIO
    raise "the program exited: #{@seen}"
  end

  it 'prompts at the terminal, and does not echo the code' do
    in_terminal('puts session.identity.role') do |screen, keyboard|
      see(screen, /MFA code of #{MfaUsers::DEVICE}: /)
      keyboard.puts '111111'
      see(screen, /mfa-only/)
      expect(@seen).not_to include('111111')
    end
  end

  it 'uses the terminal though input and output are redirected' do
    in_terminal('$stdin.reopen(File::NULL); $stdout.reopen(File::NULL); $stderr.puts session.identity.role') do |screen, keyboard|
      see(screen, /MFA code of/)
      keyboard.puts '111111'
      see(screen, /mfa-only/)
    end
  end

  it 'stops after token_timeout and restores the terminal' do
    ending = <<~RUBY
      session = Aws::Session.new(role_arn: #{MfaUsers::MFA_ROLE.dump}, serial_number: #{MfaUsers::DEVICE.dump}, token_timeout: 0.5,
                                 token_provider: Aws::TerminalTokenProvider.new)
      begin
        session.credentials
      rescue Aws::TimeoutError => e
        puts e.message, IO.console.echo?
      end
    RUBY
    in_terminal(ending) do |screen, _keyboard|
      see(screen, /token_provider gave no answer within 0.5 s.*true/m)
    end
  end

  { 'Ctrl-D' => "\u0004", 'an empty line' => "\n", 'blanks' => "  \n" }.each do |what, typed|
    it "raises at #{what}, and says that no code was typed" do
      in_terminal('begin; session.credentials; rescue Aws::NoCredentialsError => e; puts e.message; end') do |screen, keyboard|
        see(screen, /MFA code of/)
        keyboard.write(typed)
        see(screen, /No MFA code was typed\. Try again with the six digits that the device #{MfaUsers::DEVICE} shows\./)
      end
    end
  end

  it 'raises where there is no terminal' do
    result = ruby_process("Process.wait(fork do\nProcess.setsid\n#{code('session.credentials')}\nend)", env: local_aws.env_with_keys)
    expect(result.stderr).to include('cannot be asked for: this process has no terminal', 'NoCredentialsError')
  end
end
