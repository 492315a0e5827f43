# frozen_string_literal: true

require 'fileutils'
require 'pty'
require 'rbconfig'
require 'support/environment'
require 'support/slowdown'
require 'tmpdir'
require 'timeout'

# A credential_process and the terminal: a Ruby of its own on a pseudo-terminal, as its foreground process group.
RSpec.describe 'A credential_process on a terminal' do
  let(:folder) { Dir.mktmpdir('lex-process') }
  let(:marks) { File.join(folder, 'marks') }

  after { FileUtils.remove_entry(folder) }

  answer = '{"Version":1,"AccessKeyId":"AKIAOFTHEPROGRAM","SecretAccessKey":"secret-of-the-program"}'
  asks = <<~SH
    if printf 'Enter MFA code: ' 2>/dev/null >/dev/tty && read code 2>/dev/null </dev/tty; then
      echo "asked $code" >>"$MARKS"
    else
      echo alone >>"$MARKS"
    fi
    echo '#{answer}'
  SH

  def program(script)
    path = File.join(folder, 'program')
    File.write(path, "#!/bin/sh\n#{script}")
    File.chmod(0o700, path)
    File.write(File.join(folder, 'config'), "[profile asks]\nregion = eu-west-1\ncredential_process = #{path} --password not-for-logs\n")
  end

  # Runs `code` on a terminal of its own; what is written there is typed as soon as `prompt` is seen.
  def on_terminal(code, prompt: nil, typed: nil, **environment)
    lib = File.expand_path('../../lib', __dir__)
    setup = "require 'legion/extensions/identity/aws'\nsession = Legion::Extensions::Identity::Aws::Session.new(profile: 'asks', process_timeout: 5)\n"
    env = { 'HOME' => folder, 'AWS_CONFIG_FILE' => File.join(folder, 'config'), 'AWS_EC2_METADATA_DISABLED' => 'true', 'MARKS' => marks,
            'AWS_ACCESS_KEY_ID' => nil, 'AWS_PROFILE' => nil, **environment.transform_keys(&:to_s) }
    limit = 30 * Slowdown::FACTOR
    seen = +''
    PTY.spawn(env, RbConfig.ruby, '-I', lib, '-e', setup + code) do |output, input, pid|
      Timeout.timeout(limit) do
        loop do
          seen << output.readpartial(1024)
          next unless typed && seen.include?(prompt)

          input.write(typed)
          typed = nil
        end
      end
    rescue Errno::EIO, EOFError
      Process.wait(pid)
    rescue Timeout::Error
      raise "no end of it after #{limit} s; seen so far: #{seen.inspect}"
    end
    seen
  end

  def marked = File.exist?(marks) ? File.read(marks) : ''

  it 'asks there where a reader waits, and what is typed next is the application\'s' do
    program(asks)
    seen = on_terminal("puts session.credentials.access_key_id\nputs \"next: \#{gets}\"", prompt: 'code: ', typed: "123456\nfor the application\n")
    expect(marked).to eq("asked 123456\n")
    expect(seen).to include('AKIAOFTHEPROGRAM').and include('next: for the application')
  end

  it 'reads the answer from its input, and shows what it says on its error output' do
    program("echo 'vault token expired' >&2\nprintf 'Code: ' >&2\nread code\necho \"asked $code\" >>\"$MARKS\"\necho '#{answer}'\n")
    seen = on_terminal('puts session.credentials.access_key_id', prompt: 'Code: ', typed: "654321\n")
    expect(marked).to eq("asked 654321\n")
    expect(seen).to include('vault token expired').and include('AKIAOFTHEPROGRAM')
  end

  it 'is alone at once where no thread waits' do
    program(asks)
    seen = on_terminal("session.prefetch\nsleep 0.1 until File.exist?(ENV['MARKS'])\nputs session.credentials.access_key_id")
    expect(marked).to eq("alone\n")
    expect(seen).to include('AKIAOFTHEPROGRAM')
    expect(seen).not_to include('Enter MFA code')
  end

  it 'is alone in a background job' do
    program(asks)
    seen = on_terminal("Process.wait(fork { Process.setpgid(0, 0); File.write('#{folder}/key', session.credentials.access_key_id) })")
    expect(marked).to eq("alone\n")
    expect(File.read("#{folder}/key")).to eq('AKIAOFTHEPROGRAM')
    expect(seen).not_to include('Enter MFA code')
  end

  it 'is killed alone when its time is over, and the terminal stays the application\'s' do
    program("echo $$ >\"$MARKS\"\nsleep 30\n")
    code = "session = Legion::Extensions::Identity::Aws::Session.new(profile: 'asks', process_timeout: 0.5)\n" \
           "child = spawn('sleep 20')\nbegin; session.credentials; rescue => error; puts error.message; end\n" \
           "puts \"child \#{Process.wait(child, Process::WNOHANG).inspect}\"\nProcess.kill(:KILL, child)\nputs \"next: \#{gets}\""
    seen = on_terminal(code, prompt: 'child', typed: "hello\n")
    expect(seen).to include('within 0.5 s').and include('child nil').and include('next: hello')
    expect(seen).not_to include('no terminal')
    expect(seen).not_to include('not-for-logs')
    expect { Process.kill(0, Integer(marked)) }.to raise_error(Errno::ESRCH)
  end

  it 'has the environment as it is now, and no descriptor but 0 to 2' do
    program("ls -l /proc/self/fd >\"$MARKS\" 2>/dev/null || ls /dev/fd >\"$MARKS\"\necho \"$NOW/$BLANK/${GONE-none}\" >>\"$MARKS\"\necho '#{answer}'\n")
    code = <<~RUBY
      ENV.update('NOW' => 'now', 'BLANK' => '', 'GONE' => nil)
      secret = File.open('#{folder}/config')
      secret.close_on_exec = false
      puts session.credentials.access_key_id
      puts "own: \#{secret.close_on_exec?} \#{secret.gets}"
    RUBY
    seen = on_terminal(code, NOW: 'then', GONE: 'there')
    expect(seen).to include('AKIAOFTHEPROGRAM').and include('own: false [profile asks]')
    expect(marked).not_to include("#{folder}/config")
    expect(marked.lines.last).to eq("now//none\n")
  end
end
