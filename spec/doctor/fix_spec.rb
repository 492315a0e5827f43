# frozen_string_literal: true

require 'cli/support/program'

RSpec.describe 'lex-identity-aws doctor --fix' do
  include Program

  def mode(path) = format('%04o', File.stat(path).mode & 0o7777)

  # The findings about what was mended, and the rest of the report.
  def fix(*words, env: keys)
    answer = in_pipe('doctor', '--fix', '--json', *words, env: env)
    fixes, others = answer.data.fetch('findings').partition { |found| found['check'] == 'fix' }
    [fixes.to_h { |found| [found['name'], found.values_at('status', 'what')] }, others.select { |found| %w[warn fail].include?(found['status']) }]
  end

  it 'mends the modes of the files of this user, and nothing a second time' do
    credentials = file('.aws/credentials', demo_profile('default'), mode: 0o644)
    config = file('.aws/config', "[default]\nregion = eu-west-1\n", mode: 0o666)
    entry = file('.aws/cli/cache/abc.json', '{}', mode: 0o640)
    token = file('token', 'x.y.z', mode: 0o644)
    env = keys.merge('AWS_WEB_IDENTITY_TOKEN_FILE' => token, 'AWS_ROLE_ARN' => "#{BrokenWorld::ROLE}irsa-app")
    named = in_pipe('doctor', '--json', env: env).data.fetch('problems').map { |found| [found['remedy'], found['details']['fixable']] }
    expect(named).to match([[/\ARun `lex-identity-aws doctor --fix`, or `chmod/, true]] * 4)

    fixes, problems = fix(env: env)
    expect(fixes).to eq(credentials => ['ok', 'mode 0644, now 0600'], config => ['ok', 'mode 0666, now 0644'], entry => ['ok', 'mode 0640, now 0600'],
                        token => ['ok', 'mode 0644, now 0600'])
    expect(problems).to be_empty
    expect([credentials, config, entry, token].map { |path| mode(path) }).to eq(%w[0600 0644 0600 0600])
    expect(fix(env: env)).to eq([{ 'fix' => ['skipped', 'nothing here is for --fix to mend'] }, []])
  end

  it 'changes nothing behind a link, and no cache entry that others may have written' do
    elsewhere = file('elsewhere', demo_profile('default'), mode: 0o644)
    link = File.join(home, '.aws/credentials').tap { |path| FileUtils.mkdir_p(File.dirname(path)) && File.symlink(elsewhere, path) }
    entry = file('.aws/cli/cache/abc.json', '{}', mode: 0o666)
    2.times do
      fixes, problems = fix
      expect(fixes).to match(link => ['skipped', /0644, left as it is: it is a symbolic link/], entry => ['skipped', /others may have written it/])
      expect(problems.map { |found| found['details']['fixable'] }).to eq([false, false])
      expect(problems.map { |found| found['remedy'] }).to all(match(/\ARun `chmod/))
    end
    expect([mode(elsewhere), mode(entry)]).to eq(%w[0644 0666])
  end

  it 'mends what settings name, a cache of their own, and writes the entry for phase 0 beside them' do
    cache = File.join(home, 'cache')
    settings = file('.legionio/settings/a.json', JSON.generate(identity: { aws: { cache: cache } }))
    entry = file('cache/abc.json', '{}', mode: 0o604)
    before = File.read(settings)
    fixes, problems = fix
    written = File.join(home, '.legionio/settings/lex-identity-aws.json')
    expect(fixes).to eq(entry => ['ok', 'mode 0604, now 0600'], written => ['ok', 'written: the entry for phase 0'])
    expect(problems).to be_empty
    expect([File.read(settings), mode(written)]).to eq([before, '0600'])
    expect(fix.first.keys).to eq(['fix'])
  end

  it 'writes no entry a second time where a later file says otherwise, nor into what is no JSON' do
    file('.legionio/settings/z.json', '{"extensions": {"categories": {"identity": {"phase": 1}}}}')
    written = File.join(home, '.legionio/settings/lex-identity-aws.json')
    expect(fix.first).to match(written => ['ok', String])
    content = File.read(written)
    expect(fix.first).to match(written => ['skipped', /merged later says otherwise/])
    expect(File.read(written)).to eq(content)

    file('.legionio/settings/lex-identity-aws.json', '[')
    expect(fix.first).to match(written => ['skipped', /is no JSON object, so nothing is added to it/])
    expect(File.read(written)).to eq('[')
  end

  it 'mends a file that is both of the shared files as the stricter rule says' do
    both = file('.aws/both', demo_profile('default'), mode: 0o666)
    fix(env: keys.merge('AWS_CONFIG_FILE' => both, 'AWS_SHARED_CREDENTIALS_FILE' => both))
    expect(mode(both)).to eq('0600')
  end

  it 'leaves LegionIO\'s settings alone with --no-legionio' do
    file('.legionio/settings/a.json', '{}')
    expect(fix('--no-legionio').first.keys).to eq(['fix'])
    expect(Dir.children(File.join(home, '.legionio/settings'))).to eq(['a.json'])
  end

  it 'reads the settings again for the report, and prints the changes first' do
    file('.aws/credentials', demo_profile('default'), mode: 0o644)
    text = in_pipe('doctor', '--fix').stdout
    expect(text).to match(%r{nothing stands in the way\n\nfix\n  ok    \S+/\.aws/credentials  mode 0644, now 0600\nlibrary\n})
  end
end
