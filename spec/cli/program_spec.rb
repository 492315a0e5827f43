# frozen_string_literal: true

require 'cli/support/program'
require 'English'
require 'time'

RSpec.describe 'lex-identity-aws' do
  include Program

  it 'explains itself, without the native library' do
    code = "ARGV.replace(%w[--help])\nat_exit { warn $LOADED_FEATURES.grep(/lex_identity_aws|openssl|socket/).inspect }\nload '#{program}'"
    result = ruby_process(code)
    expect(result.stdout).to include('Usage: lex-identity-aws COMMAND', 'whoami', 'doctor', 'credentials', 'profiles', 'legionio', 'Exit status')
    expect(result.stderr).to eq("[]\n")
    expect(in_pipe).to have_attributes(stdout: result.stdout, exit: 0)
  end

  it 'explains each command' do
    { 'whoami' => '--role-arn', 'doctor' => '--assume', 'credentials' => '--format', 'profiles' => '--json', 'legionio' => '--write' }.each do |command, option|
      [[command, '--help'], ['--help', command]].each do |words|
        answer = in_pipe(*words)
        expect(answer).to have_attributes(exit: 0, stdout: a_string_including('Usage: lex-identity-aws', 'Exit status'))
        expect(answer.stdout).to include("Usage: lex-identity-aws #{command}", option) if words.first == command
      end
    end
    expect(in_pipe('--version').stdout).to eq("#{Legion::Extensions::Identity::Aws::VERSION}\n")
  end

  it 'refuses what it does not understand, and says what there is' do
    all = 'whoami, doctor, credentials, exec, token, profiles, cache, legionio, completion'
    expect(in_pipe('whoareyou')).to have_attributes(exit: 2, stdout: '', stderr: a_string_including('"whoareyou"', all))
    expect(in_pipe('whoami', '--reigon', 'x')).to have_attributes(exit: 2, stderr: a_string_including('--reigon', 'lex-identity-aws whoami --help'))
    expect(in_pipe('whoami', 'now')).to have_attributes(exit: 2, stderr: a_string_including('takes no "now"'))
    expect(in_pipe('credentials', '--format', 'xml')).to have_attributes(exit: 2, stderr: a_string_including('xml'))
  end

  it 'shows what it was given on one line that a terminal can show' do
    [["--x\e[2J\nFAKE LINE"], ["whoami\e]0;x\a"], ['whoami', "\e[2J\nFAKE LINE\u202e"], ['whoami', '--profile', "\e[2J\u009bx\u202e"]].each do |words|
      answer = in_pipe(*words)
      shown = answer.stderr.dup.force_encoding(Encoding::UTF_8)
      expect([answer.exit, shown]).to match([be_positive, /\Alex-identity-aws: /])
      expect(shown).not_to match(/[\e\a\u009b\u202e]|^FAKE LINE/), words.inspect
    end
  end

  it 'exits with a status for each kind of error, and reports it on stderr only' do
    {
      [{}, %w[whoami]]                                                         => 3,
      [{ 'AWS_PROFILE' => 'gone' }, %w[whoami]]                                => 4,
      [keys.merge('AWS_REGION' => 'not a region'), %w[credentials]]            => 4,
      [keys.merge('AWS_ACCESS_KEY_ID' => 'AKIAUNKNOWN'), %w[whoami]]           => 1,
      [keys, %W[whoami --role-arn #{BrokenWorld::ROLE}forbidden]]              => 1,
      [keys.merge('AWS_ENDPOINT_URL_STS' => 'http://127.0.0.1:9'), %w[whoami]] => 1,
      [keys, %w[whoami --role-arn nonsense]]                                   => 4
    }.each do |(env, words), status|
      answer = in_pipe(*words, env: env)
      expect(answer).to have_attributes(exit: status, stdout: '', stderr: a_string_starting_with('lex-identity-aws: ').and(a_string_matching(/\A.+\n\z/)))
      shows_no_secret(answer.stderr)
    end
  end

  it 'exits by SIGINT on Ctrl-C, without a backtrace' do
    local_aws.rule(service: :sts, hold: true) do
      with_env(keys.merge('HOME' => home)) do
        start_ruby("ARGV.replace(%w[whoami])\nload '#{program}'") do |ruby|
          local_aws.wait_for_requests(1, service: :sts)
          ruby.signal(:INT)
          result = ruby.finish
          expect([result.status.termsig, result.output]).to eq([Signal.list.fetch('INT'), ''])
        end
      end
    end
  end

  it 'exits quietly once its output is closed' do
    file('.aws/config', (1..5000).map { |number| "[profile with-a-long-name-#{number}]\nregion = eu-west-1\n" }.join)
    reader, writer = IO.pipe
    errors, errors_end = IO.pipe
    pid = spawn({ 'HOME' => home }, RbConfig.ruby, program, 'profiles', out: writer, err: errors_end)
    [writer, errors_end].each(&:close)
    reader.readpartial(1)
    reader.close
    expect([Process.wait2(pid).last.exitstatus, errors.read]).to eq([141, ''])
  end

  it 'says so where its answer cannot be written, and exits as ever with its streams closed' do
    skip 'there is no /dev/full here' unless File.exist?('/dev/full')
    run = ->(redirection) { IO.popen({ 'HOME' => home, **keys }, ['sh', '-c', "exec #{RbConfig.ruby} #{program} whoami #{redirection}"], &:read) }
    expect(run['2>&1 >/dev/full']).to match(/\Alex-identity-aws: The answer could not be written: No space left.*\n\z/)
    expect($CHILD_STATUS.exitstatus).to be(1)
    expect(run['<&- 2>&-']).to include(BrokenWorld::DEMO)
    expect($CHILD_STATUS.exitstatus).to be(0)
  end

  describe 'whoami' do
    it 'is JSON in a pipe, and lines on a terminal' do
      expect(in_pipe('whoami').data).to include('arn' => BrokenWorld::DEMO, 'canonical_name' => 'demo', 'kind' => 'user', 'account' => '123456789012',
                                                'source' => 'environment')
      expect(on_terminal('whoami')).to have_attributes(exit: 0, stdout: a_string_including("arn             #{BrokenWorld::DEMO}\ncanonical name  demo\n"))
    end

    it 'can be told which' do
      expect(in_pipe('whoami', '--text').stdout).to start_with('arn  ')
      expect(JSON.parse(on_terminal('whoami', '--json').stdout)).to include('arn' => BrokenWorld::DEMO)
    end

    it 'takes options before settings' do
      answer = in_pipe('whoami', '--role-arn', "#{BrokenWorld::ROLE}external-id-only", '--external-id', 'legion-7f3a:partner/42', '--region', 'eu-west-3')
      expect(answer.data).to include('role' => 'external-id-only', 'region' => 'eu-west-3')
    end

    it "is who LegionIO's settings make it, unless they are to be left out" do
      file('.legionio/settings/identity.json', JSON.generate(identity: { aws: { role_arn: "#{BrokenWorld::ROLE}legion-worker", nonsense: 1 } }))
      answer = in_pipe('whoami')
      expect(answer.data).to include('canonical_name' => 'legion-worker')
      expect(answer.stderr).to include('identity.aws.nonsense does not exist')
      expect(in_pipe('whoami', '--no-legionio').data).to include('canonical_name' => 'demo')
    end

    it 'prompts for an MFA code on a terminal, and nowhere else' do
      role = %W[whoami --json --role-arn #{BrokenWorld::ROLE}mfa-only --profile p]
      file('.aws/credentials', demo_profile('base'))
      file('.aws/config', "[profile p]\nrole_arn = #{BrokenWorld::ROLE}mfa-only\nsource_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/demo\n")
      env = { 'AWS_ENDPOINT_URL_STS' => local_aws.http }
      answer = on_terminal('whoami', '--text', '--profile', 'p', env: env, asked: /MFA code/, type: '111111')
      expect(answer.stdout).to include('MFA code of arn:aws:iam::123456789012:mfa/demo', 'assumed-role/mfa-only')
      expect(answer.stdout).not_to include('111111')
      expect(in_pipe(*role, env: env)).to have_attributes(exit: 3, stderr: a_string_including('Run it in a terminal'))
    end
  end

  describe 'credentials' do
    let(:secret) { local_aws.world.fetch('users').fetch(BrokenWorld::DEMO).fetch('secret_access_key') }

    it 'are lines for a shell' do
      answer = in_pipe('credentials', '--role-arn', "#{BrokenWorld::ROLE}legion-worker")
      code = "#{answer.stdout}\necho $AWS_ACCESS_KEY_ID; echo $AWS_SECRET_ACCESS_KEY; echo $AWS_SESSION_TOKEN; echo $AWS_CREDENTIAL_EXPIRATION"
      id, key, token, expiration = IO.popen({ 'AWS_SESSION_TOKEN' => 'stale' }, ['sh', '-c', code], &:readlines).map(&:chomp)
      with_env('AWS_ENDPOINT_URL_STS' => local_aws.http, 'AWS_ACCESS_KEY_ID' => id, 'AWS_SECRET_ACCESS_KEY' => key, 'AWS_SESSION_TOKEN' => token) do
        expect(Legion::Extensions::Identity::Aws::Session.new.identity.role).to eq('legion-worker')
      end
      expect(Time.iso8601(expiration)).to be_within(30).of(Time.now + 3600)
    end

    it 'take away the token of other keys' do
      code = "#{in_pipe('credentials').stdout}\necho \"[$AWS_SESSION_TOKEN]\""
      expect(IO.popen({ 'AWS_SESSION_TOKEN' => 'stale' }, ['sh', '-c', code], &:read)).to eq("[]\n")
    end

    it 'are quoted for the shell, whatever is in them' do
      nasty = "a'b\"c$(touch #{home}/pwned) \\;"
      answer = in_pipe('credentials', env: keys.merge('AWS_SECRET_ACCESS_KEY' => nasty))
      expect(IO.popen(['sh', '-c', "#{answer.stdout}\nprintf %s \"$AWS_SECRET_ACCESS_KEY\""], &:read)).to eq(nasty)
      expect(File).not_to exist(File.join(home, 'pwned'))
    end

    it 'are what credential_process takes' do
      answer = in_pipe('credentials', '--format', 'process', '--role-arn', "#{BrokenWorld::ROLE}legion-worker")
      expect(answer.data).to match('Version' => 1, 'AccessKeyId' => /\AASIA/, 'SecretAccessKey' => String, 'SessionToken' => String,
                                   'Expiration' => /\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/, 'AccountId' => '123456789012')
      expect(in_pipe('credentials', '--format', 'process').data.keys).to contain_exactly('Version', 'AccessKeyId', 'SecretAccessKey')
    end

    it 'are JSON' do
      expect(in_pipe('credentials', '--format', 'json').data).to include('access_key_id' => 'AKIADEMOUSERFAKEAWS2', 'secret_access_key' => secret,
                                                                         'session_token' => nil, 'source' => 'environment')
    end

    it 'show no secret on a terminal, unless told to' do
      %w[env process json].each do |format|
        answer = on_terminal('credentials', '--format', format)
        expect(answer).to have_attributes(exit: 0, stdout: a_string_including('AKIADEMOUSERFAKEAWS2', '--show prints them'))
        shows_no_secret(answer.stdout)
        expect(on_terminal('credentials', '--format', format, '--show').stdout).to include(secret)
      end
    end

    it 'that have expired are not handed out' do
      program = "echo '{\"Version\": 1, \"AccessKeyId\": \"ASIAEXPIRED\", \"SecretAccessKey\": \"canary\", \"SessionToken\": \"canary\", " \
                "\"Expiration\": \"2024-01-02T03:04:05Z\"}'"
      file('.aws/config', "[profile p]\ncredential_process = #{file('program', "#!/bin/sh\n#{program}\n", mode: 0o755)}\n")
      answer = in_pipe('credentials', '--profile', 'p')
      expect(answer).to have_attributes(exit: 3, stdout: '')
      shows_no_secret(answer.stderr, ['canary'])
    end
  end

  describe 'as the credential_process of a profile' do
    def profiles(**profiles)
      file('.aws/credentials', demo_profile('keys'))
      sections = profiles.map do |name, words|
        "[profile #{name}]\ncredential_process = #{installed_program} credentials --format process #{words}\n"
      end
      file('.aws/config', sections.join)
    end

    def without_keys = { 'AWS_ENDPOINT_URL_STS' => local_aws.http }

    it 'serves the credentials of another profile' do
      profiles(outer: '--profile inner', inner: '--profile keys')
      expect(in_pipe('whoami', '--profile', 'outer', env: without_keys).data).to include('arn' => BrokenWorld::DEMO, 'source' => 'profile outer')
    end

    it 'does not call itself for the profile it is run for, and names that profile' do
      profiles(loop: '')
      [['--profile', 'loop'], []].each do |words|
        answer = in_pipe('whoami', *words, env: without_keys.merge('AWS_PROFILE' => 'loop'))
        expect(answer).to have_attributes(exit:   6,
                                          stderr: a_string_including('profile "loop"',
                                                                     'the very profile it belongs to', '--profile with another profile'))
      end
    end

    it 'does not go round in a ring either' do
      profiles(one: '--profile two', two: '--profile one')
      expect(in_pipe('whoami', '--profile', 'one', env: without_keys)).to have_attributes(exit: 6, stderr: a_string_including('the very profile it belongs to'))
    end

    it 'does not take the code of a service for such a loop' do
      local_aws.rule(service: :sts, answer: { error: { status: 400, code: 'CredentialProcessLoop' } }) do
        expect(in_pipe('whoami')).to have_attributes(exit: 1, stderr: a_string_including('CredentialProcessLoop'))
      end
    end

    it 'is told by the environment that it is inside' do
      profiles(loop: '')
      answer = in_pipe('credentials', '--format', 'process', env: without_keys.merge('AWS_PROFILE' => 'loop', 'LEX_IDENTITY_AWS_PROFILE' => "outer\nloop"))
      expect(answer).to have_attributes(exit: 6, stdout: '', stderr: a_string_including('credential_process of the profile "loop"'))
    end
  end

  describe 'profiles' do
    before do
      file('.aws/credentials', demo_profile('base'))
      file('.aws/config', "[profile worker]\nrole_arn = #{BrokenWorld::ROLE}legion-worker\nsource_profile = base\nregion = eu-west-1\n" \
                          "[profile lost]\nrole_arn = #{BrokenWorld::ROLE}legion-worker\nsource_profile = gone\n")
    end

    it 'are JSON in a pipe' do
      profiles = in_pipe('profiles').data
      expect(profiles.map { |profile| profile.values_at('name', 'kind', 'could_work') }).to eq(
        [['base', 'static_keys', true], ['lost', 'assume_role', false], ['worker', 'assume_role', true]]
      )
      shows_no_secret(profiles.to_s)
    end

    it 'are a table on a terminal' do
      expect(on_terminal('profiles').stdout.lines).to match(
        ["  \e[1mPROFILE  KIND         REGION     CREDENTIALS\e[0m\n", "  base     static keys             could work\n",
         /\A  lost     assume role             \e\[31mcannot work\e\[0m: .*gone/,
         "  worker   assume role  eu-west-1  #{BrokenWorld::ROLE}legion-worker\n"]
      )
    end

    it 'may be none' do
      expect(on_terminal('profiles', env: { 'HOME' => '/nowhere' }).stdout).to include('There are no profiles here')
      expect(in_pipe('profiles', env: { 'HOME' => '/nowhere' }).stdout).to eq("[]\n")
    end
  end

  describe 'doctor' do
    it 'prompts for an MFA code on a terminal where it assumes the roles, and nowhere else' do
      file('.aws/credentials', demo_profile('base'))
      file('.aws/config', "[profile p]\nrole_arn = #{BrokenWorld::ROLE}mfa-only\nsource_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/demo\n")
      env = { 'AWS_ENDPOINT_URL_STS' => local_aws.http, 'COLUMNS' => nil }
      answer = on_terminal('doctor', '--profile', 'p', '--assume', env: env, asked: /MFA code of/, type: '444444')
      expect(answer).to have_attributes(exit: 0, stdout: a_string_including('nothing stands in the way', 'assumed-role/mfa-only', 'in this terminal'))
      expect(answer.stdout).not_to include('444444', 'token_provider')
      expect(on_terminal('doctor', '--profile', 'p', env: env).stdout).not_to include('MFA code of')

      answer = in_pipe('doctor', '--profile', 'p', '--assume', env: env)
      expect(answer.stdout).to include('standard input is none', 'Run it in a terminal')
      expect(answer.stdout).not_to include('token_provider')
    end

    it 'is a text, also in a pipe, or JSON, and its status says whether something stands in the way' do
      expect(on_terminal('doctor')).to have_attributes(exit: 0, stdout: a_string_including('nothing stands in the way', 'identity', BrokenWorld::DEMO))
      expect(in_pipe('doctor')).to have_attributes(exit: 0, stdout: a_string_including('nothing stands in the way', BrokenWorld::DEMO))
      answer = in_pipe('doctor', '--json', env: local_aws.env.merge('AWS_ACCESS_KEY_ID' => 'AKIAX'))
      expect(answer.exit).to be(1)
      expect(answer.data.fetch('problems')).to match([include('what'   => a_string_including('AWS_SECRET_ACCESS_KEY is not'),
                                                              'remedy' => 'Set both, or neither.')])
    end

    it 'assumes a role with --assume only' do
      role = ['--role-arn', "#{BrokenWorld::ROLE}forbidden"]
      expect(in_pipe('doctor', *role).exit).to be(0)
      expect(in_pipe('doctor', '--assume', *role).exit).to be(1)
    end

    it "looks at what LegionIO's settings say" do
      file('.legionio/settings/identity.json', JSON.generate(identity: { aws: { role_arn: "#{BrokenWorld::ROLE}legion-worker" } }))
      findings = in_pipe('doctor', '--json').data.fetch('findings').to_h { |found| [[found['check'], found['name']], found] }
      expect(findings.fetch(%w[settings role_arn]).fetch('details')).to eq('value' => "#{BrokenWorld::ROLE}legion-worker", 'origin' => 'settings')
      expect(findings.fetch(%w[legionio phase]).fetch('status')).to eq('warn')
    end
  end
end
