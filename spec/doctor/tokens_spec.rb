# frozen_string_literal: true

require 'doctor/support/broken_world'

RSpec.describe 'The doctor, looking at identity.aws.tokens,' do
  include BrokenWorld

  let(:worker) { "#{BrokenWorld::ROLE}legion-worker" }
  let(:secrets) { ['canary-of-the-doctor'] }

  # As the program has them, from LegionIO's files: what is found by name, and every token that was made is in none of it.
  def of_settings(tokens, assume: false, env: keys, **settings)
    file('.legionio/settings/a.json', JSON.generate(identity: { aws: { **settings, tokens: tokens } }))
    aws = Legion::Extensions::Identity::Aws
    allow(aws::Token).to(receive(:new).and_wrap_original { |original, **fields| original.call(**fields).tap { |made| secrets << made.token } })
    with_env(env) do
      report = aws::Doctor.examine(aws::Internal::Secret.new({}), settings_files: aws::LegionIO::SettingsFiles.new, assume: assume)
      shows_no_secret(report.to_s + report.to_json, secrets)
      report.findings.select { |found| found.check == 'token' }.to_h { |found| [found.name, found] }
    end
  end

  def mq(**more) = { kind: 'identity', audience: 'mq', **more }

  it 'says nothing without the setting' do
    expect([of_settings(nil), of_settings({})]).to eq([{}, {}])
  end

  it 'shows each without making it' do
    found = of_settings({ own: { kind: 'rds', host: 'db', port: 5432, user: 'app' }, mq: mq(role: 'reader') }, roles: { reader: worker })
    expect(found.fetch('own')).to have_attributes(status: :skipped, what: "rds, made with the process's own credentials: not tried; --assume makes it",
                                                  details: { kind: 'rds', role: nil, made: false, qualifier: 'own' })
    expect(found.fetch('mq')).to have_attributes(status: :skipped, what: a_string_including('identity, made with role reader'))
    expect(asked_of_sts & %w[AssumeRole GetWebIdentityToken]).to eq([])
  end

  it 'says what is wrong with the shape of one, without its words' do
    word = 'canary-of-the-doctor'
    cases = { none:  [{ audience: word }, /tokens\.none has no kind/], odd: [{ kind: 'redis', password: word }, /tokens\.odd: .*redis/],
              words: [mq(audiense: word), /"audiense"\. Did you mean audience/], short: [{ kind: 'rds', host: word }, /tokens\.short: .*(port|user)/],
              role:  [mq(role: 'raeder'), /names the role raeder, which is not in identity\.aws\.roles/], text: [word, /tokens\.text is of class String/],
              file:  [mq(file: 'mq.jwt'), /tokens\.file\.file is no absolute path/] }
    found = of_settings(cases.transform_values(&:first))
    cases.each do |name, (_, words)|
      expect(found.fetch(name.to_s)).to have_attributes(status: :fail, what: words, remedy: "Correct identity.aws.tokens.#{name} in LegionIO's settings.")
    end
    expect(of_settings({ later: mq(tags: { a: 'vault://secret#a' }) }).fetch('later')).to have_attributes(status: :skipped, what: /not resolved yet/)
    place = 'identity.aws.tokens'
    expect(of_settings([word])).to match(place => have_attributes(status: :warn, what: /is of class Array and is ignored/))
    expect(of_settings({ both: mq, default: mq }, roles: { both: worker })).to match(place => have_attributes(status: :warn, what: /both: the same name/))
  end

  it 'makes each where it is told to: one request for each role, and those that are presigned without one' do
    found = of_settings({ own: { kind: 'msk' }, mq: mq(role: 'reader'), more: mq(role: 'reader', audience: 'more') }, roles: { reader: worker }, assume: true)
    expect(found.transform_values(&:status)).to eq('own' => :ok, 'mq' => :ok, 'more' => :ok)
    expect(found.fetch('mq')).to have_attributes(what: /made with role reader: it expires at 20\d\d-\S+Z\z/, details: include(made: true))
    expect(asked_of_sts.tally).to include('AssumeRole' => 2, 'GetWebIdentityToken' => 2) # one AssumeRole is that of the check of roles
    expect(secrets.uniq.size).to be(4)
  end

  it 'prints the policy to paste where AWS refuses an identity token, and how an account switches them on' do
    local_aws.rule(service: :sts, action: 'GetWebIdentityToken', answer: { error: { status: 403, code: 'AccessDenied' } }) do
      found = of_settings({ mq: mq(tags: { team: 'a' }), own: { kind: 'msk' } }, assume: true)
      expect(found.fetch('mq')).to have_attributes(status: :fail, what: a_string_ending_with('it cannot be had, AccessDenied'))
      policy = JSON.parse(found.fetch('mq').remedy[/\{.*\}/])
      expect(policy.dig('Statement', 0)).to include('Action' => %w[sts:GetWebIdentityToken sts:TagGetWebIdentityToken])
      expect(found.fetch('own').status).to be(:ok)
    end
    off = { error: { status: 403, code: 'OutboundWebIdentityFederationDisabled' } }
    local_aws.rule(service: :sts, action: 'GetWebIdentityToken', answer: off) do
      expect(of_settings({ mq: mq }, assume: true).fetch('mq').remedy).to include('aws iam enable-outbound-web-identity-federation')
    end
  end

  it 'says of one whose role is refused, or has no credentials to begin with, what the role says' do
    roles = { shut: "#{BrokenWorld::ROLE}forbidden", odd: {} }
    found = of_settings({ one: mq(role: 'shut'), two: mq(role: 'odd'), own: { kind: 'msk' } }, assume: true, roles: roles)
    expect(found.fetch('one')).to have_attributes(status: :fail, what: /AccessDenied/, remedy: a_string_including('role/forbidden'))
    expect(found.fetch('two')).to have_attributes(status: :fail, remedy: a_string_including('identity.aws.roles.odd names no role'))
    expect(found.fetch('own').status).to be(:ok)
    found = of_settings({ own: { kind: 'msk' } }, assume: true, env: { 'AWS_ENDPOINT_URL_STS' => local_aws.http, 'HOME' => home })
    expect(found.fetch('own').status).to be(:fail)
  end

  describe 'the file of one,' do
    def at(path) = of_settings({ mq: mq(file: path) }).fetch('mq (file)')

    it 'is well where this user alone may write to its folder, whether it is there or not' do
      path = file('run/mq.jwt', 'x')
      expect([at(path), at("#{home}/run/new")]).to all(have_attributes(status: :ok, details: include(qualifier: 'mq')))
      expect(File.exist?("#{home}/run/new")).to be(false)
    end

    it 'is in the way where it cannot be written' do
      FileUtils.mkdir_p("#{home}/run/folder")
      expect(at("#{home}/nowhere/mq.jwt")).to have_attributes(status: :fail, what: "#{home}/nowhere is no folder that this user can see")
      expect(at("#{home}/run/folder")).to have_attributes(status: :fail, what: /is a folder/)
      expect(at('/proc/mq.jwt')).to have_attributes(status: :fail, what: 'this user may not write to /proc') unless File.writable?('/proc')
    end

    it 'is warned of where others may put another in its place, and where a renewal changes it' do
      path = file('run/mq.jwt', 'x', mode: 0o644)
      expect(at(path)).to have_attributes(status: :warn, what: "#{path} has mode 0644, and each renewal makes it 0600", remedy: /has to run as that user/)
      File.symlink(path, "#{home}/run/link")
      expect(at("#{home}/run/link")).to have_attributes(status: :warn, what: /is a symbolic link/)
      File.chmod(0o770, "#{home}/run")
      expect(at(path)).to have_attributes(status: :warn, what: %r{others may write to \S+/run \(mode 0770\)})
      File.chmod(0o1777, "#{home}/run")
      expect(at("#{home}/run/new").status).to be(:ok)
    end
  end
end
