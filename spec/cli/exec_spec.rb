# frozen_string_literal: true

require 'cli/support/program'
require 'pp'

RSpec.describe 'lex-identity-aws exec' do
  include Program

  let(:env) { keys.merge('AWS_REGION' => 'eu-west-1', 'AWS_PROFILE' => nil, 'AWS_ACCOUNT_ID' => '123456789012') }
  let(:worker) { "#{BrokenWorld::ROLE}legion-worker" }

  it 'runs a program with the credentials in force, and with nothing that would choose another identity' do
    answer = in_pipe('exec', '--role-arn', worker, '--', 'env', env: env)
    variables = answer.stdout.lines(chomp: true).filter_map { |line| line.split('=', 2) if line.start_with?('AWS_') }.to_h
    expect(variables).to include('AWS_ACCESS_KEY_ID' => /\AASIA/, 'AWS_SESSION_TOKEN' => /./, 'AWS_REGION' => 'eu-west-1',
                                 'AWS_DEFAULT_REGION' => 'eu-west-1', 'AWS_CREDENTIAL_EXPIRATION' => /\A\d{4}-\d\d-\d\dT[\d:]+Z\z/)
    expect(variables.keys).not_to include('AWS_ACCOUNT_ID')
    expect(answer).to have_attributes(exit: 0, stderr: '')
  end

  it 'leaves streams, signals and the exit status to the program, and needs no double dash' do
    expect(in_pipe('exec', '--', 'sh', '-c', 'read line; echo "$line"; echo $0 >&2; exit 7', env: env, stdin: "hello\n"))
      .to have_attributes(stdout: "hello\n", stderr: "sh\n", exit: 7)
    expect(in_pipe('exec', 'sh', '-c', 'kill -TERM $$', env: env).status.termsig).to eq(Signal.list.fetch('TERM'))
    expect(in_pipe('exec', 'echo', '--profile', 'x y', '$HOME', env: env).stdout).to eq("--profile x y $HOME\n")
  end

  it 'gives the child an identity that a session in it takes' do
    code = "require 'lex-identity-aws'; puts Legion::Extensions::Identity::Aws::Session.new.identity.role"
    answer = in_pipe('exec', '--role-arn', worker, '--', RbConfig.ruby, "-I#{RubyProcess::LIB}", '-e', code, env: env)
    expect(answer).to have_attributes(stdout: "legion-worker\n", exit: 0)
  end

  it 'says which program cannot be run, with the statuses of a shell' do
    expect(in_pipe('exec', '--', 'no-such-program', env: env)).to have_attributes(exit: 127, stderr: /There is no program "no-such-program"/)
    expect(in_pipe('exec', '--', file('plain', 'text'), env: env)).to have_attributes(exit: 126, stderr: /cannot be run/)
    expect(in_pipe('exec', '--', "#{file('plain', 'text')}/x", env: env)).to have_attributes(exit: 126, stderr: /cannot be run: Not a directory/)
    plain = { 'PATH' => "#{File.dirname(file('plain', 'text'))}:#{ENV.fetch('PATH')}" }
    expect(in_pipe('exec', '--', 'plain', env: env.merge(plain))).to have_attributes(exit: 126, stderr: /cannot be run: ".*plain" is not executable/)
    script = file('script', "#!/nonexistent/interpreter\n").tap { |path| File.chmod(0o755, path) }
    [[script], ['script', { 'PATH' => "#{File.dirname(script)}:#{ENV.fetch('PATH')}" }]].each do |program, more|
      expect(in_pipe('exec', '--', program, env: env.merge(more || {})))
        .to have_attributes(exit: 126, stderr: /cannot be run: the interpreter that its first line names does not exist/)
    end
    expect(in_pipe('exec', env: env)).to have_attributes(exit: 2, stderr: /exec takes a program to run/)
  end
end

RSpec.describe 'Session#env' do
  around { |example| with_env({ **local_aws.env_with_keys, 'AWS_REGION' => 'eu-west-1' }) { example.run } }

  let(:session) { Legion::Extensions::Identity::Aws::Session.new }

  it 'is a Hash for spawn' do
    session.credentials
    others = %w[AWS_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_BEARER_TOKEN_BEDROCK AWS_ROLE_ARN AWS_CREDENTIAL_EXPIRATION AWS_ACCESS_KEY
                AWS_SECRET_KEY AWS_CREDENTIAL_FILE AMAZON_ACCESS_KEY_ID AMAZON_SECRET_ACCESS_KEY AMAZON_SESSION_TOKEN]
    with_env(others.to_h { |name| [name, 'other'] }) do
      out, = Open3.capture2(session.env, 'env')
      expect(out.lines(chomp: true).grep(/\AAMAZON_|\AAWS_/).to_h { |line| line.split('=', 2) })
        .to include('AWS_ACCESS_KEY_ID' => session.credentials.access_key_id).and(satisfy { |found| !found.keys.intersect?(others) })
    end
  end

  it 'shows no value' do
    env = session.env
    secret = session.credentials.secret_access_key
    expect([env.inspect, env.to_s, PP.pp(env, +'')].join).not_to include(secret)
    expect { Marshal.dump(env) }.to raise_error(TypeError)
    expect(env).to be_frozen
  end
end
