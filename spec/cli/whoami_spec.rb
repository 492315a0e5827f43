# frozen_string_literal: true

require 'cli/support/program'

RSpec.describe 'lex-identity-aws whoami' do
  include Program

  worker = "#{BrokenWorld::ROLE}legion-worker"

  def settings(**aws) = file('.legionio/settings/identity.json', JSON.generate(identity: { aws: aws }))

  describe '--qualifier' do
    it 'is who this role of identity.aws.roles would be' do
      settings(roles: { deploy: worker, small: { role_arn: worker, region: 'eu-west-3' } })
      expect(in_pipe('whoami', '--qualifier', 'deploy').data).to include('role' => 'legion-worker')
      expect(in_pipe('whoami', '--qualifier', 'small').data).to include('region' => 'eu-west-3')
      expect(in_pipe('whoami', '--qualifier', 'small', '--region', 'eu-west-1').data).to include('region' => 'eu-west-1')
      expect(in_pipe('whoami', '--qualifier', 'default').data).to include('arn' => BrokenWorld::DEMO)
    end

    it 'is never another than asked for' do
      settings(roles: { deploy: worker, bad: { external_id: 'x' } })
      expect(in_pipe('whoami', '--qualifier', 'depoly')).to have_attributes(exit: 4, stdout: '', stderr: a_string_including('deploy, bad'))
      expect(in_pipe('whoami', '--qualifier', 'bad')).to have_attributes(exit: 4, stderr: a_string_including('identity.aws.roles.bad names no role'))
      expect(in_pipe('whoami', '--no-legionio', '--qualifier', 'deploy')).to have_attributes(exit: 4, stdout: '')
      ['--profile', '--role-arn'].each do |option|
        expect(in_pipe('whoami', '--qualifier', 'deploy', option, 'x')).to have_attributes(exit: 2, stderr: a_string_including(option))
      end
    end
  end

  describe '--all' do
    let(:asks) { file('bin/asks', "#!/bin/sh\nread code </dev/tty\necho \"asked and got $code\" >&2\nexit 1\n", mode: 0o755) }

    before do
      file('.aws/credentials', demo_profile('base'))
      file('.aws/config', "[profile worker]\nrole_arn = #{worker}\nsource_profile = base\n" \
                          "[profile mfa]\nrole_arn = #{BrokenWorld::ROLE}mfa-only\nsource_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/demo\n" \
                          "[profile asks]\ncredential_process = #{asks}\n[profile lost]\nrole_arn = #{worker}\nsource_profile = gone\n")
      settings(roles: { deploy: { role_arn: worker, role_session_name: 'deployer' }, forbidden: "#{BrokenWorld::ROLE}forbidden", odd: 5 })
    end

    it 'has a row for this machine, every profile and every role; a failure is a row' do
      answer = in_pipe('whoami', '--all')
      rows = answer.data.to_h { |row| [row.values_at('kind', 'name'), row] }
      arn = ->(*key) { rows.fetch(key).fetch('arn') }
      error = ->(*key) { rows.fetch(key).fetch('error') }
      expect(answer.exit).to be(0)
      expect(rows.keys).to eq([['default', ''], %w[profile asks], %w[profile base], %w[profile lost], %w[profile mfa], %w[profile worker],
                               %w[role deploy], %w[role forbidden], %w[role odd]])
      expect([arn['default', ''], arn['profile', 'base']]).to all(eq(BrokenWorld::DEMO))
      expect([arn['profile', 'worker'], arn['role', 'deploy']]).to match([/legion-worker/, %r{legion-worker/deployer}])
      expect([error['profile', 'mfa'], error['profile', 'lost'], error['role', 'forbidden'], error['role', 'odd']])
        .to match([/is needed, and --all asks for none. Run lex-identity-aws whoami --profile mfa in/, /gone/, /AccessDenied/, /roles.odd is of class Integer/])
      shows_no_secret(answer.stdout + answer.stderr)
    end

    it 'asks nothing on a terminal: neither for a code, nor does a credential_process' do
      answer = on_terminal('whoami', '--all')
      expect(answer.exit).to be(0)
      expect(answer.stdout).to include('KIND     NAME       IDENTITY', 'asks for none', "profile  asks       \e[31mfailed\e[0m: ")
      expect(answer.stdout).not_to match(/MFA code of \S+: |asked and got/)
    end

    it 'is for no single identity' do
      expect(in_pipe('whoami', '--all', '--profile', 'base')).to have_attributes(exit: 2, stderr: a_string_including('--all and --profile'))
    end
  end
end
