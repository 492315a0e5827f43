# frozen_string_literal: true

require 'logger'
require 'open3'
require 'support/moto'
require 'time'
require 'tmpdir'
require_relative 'support/judge'
require_relative 'support/random_arguments'

# One cache of role sessions for this gem, the AWS CLI and botocore: the first to come asks STS, the others do not.
RSpec.describe Legion::Extensions::Identity::Aws::Session, timeout: 120 do
  before(:context) { @botocore = Judge.new('botocore', [File.join(Moto::FOLDER, 'python'), File.expand_path('support/cache_judge.py', __dir__)]) }
  after(:context) { @botocore&.stop }

  around do |example|
    Dir.mktmpdir('home') do |home|
      @home = home
      FileUtils.mkdir_p(File.join(home, '.aws'))
      File.write(File.join(home, '.aws/config'), <<~INI)
        [profile base]
        aws_access_key_id = #{user['access_key_id']}
        aws_secret_access_key = #{user['secret_access_key']}
        [profile worker]
        role_arn = #{worker}
        source_profile = base
        external_id = partner/42
        duration_seconds = 3600
        [profile careful]
        role_arn = arn:aws:iam::123456789012:role/mfa-only
        source_profile = base
        mfa_serial = arn:aws:iam::123456789012:mfa/demo
      INI
      with_env(environment) { example.run }
    end
  end

  let(:user) { local_aws.world.fetch('users').fetch('arn:aws:iam::123456789012:user/demo') }
  let(:worker) { 'arn:aws:iam::123456789012:role/legion-worker' }
  let(:cache) { File.join(@home, '.aws/cli/cache') }
  let(:files) { Dir[File.join(cache, '*.json')] }
  let(:environment) do
    local_aws.env.merge('HOME' => @home, 'PATH' => ENV.fetch('PATH'), 'AWS_EC2_METADATA_DISABLED' => 'true', 'AWS_DEFAULT_REGION' => 'us-east-1').compact
  end

  # A session of ours as another process would have one: nothing is shared but the directory.
  def ours(profile: 'worker', **options) = described_class.new(profile: profile, cache: true, **options)

  # Who the AWS CLI is; `typed` is the input at its prompt.
  def cli(profile: 'worker', typed: '')
    out, error, status = Open3.capture3(environment, File.join(Moto::FOLDER, 'aws'), 'sts', 'get-caller-identity', '--profile', profile,
                                        '--output', 'text', '--query', 'Arn', stdin_data: typed, unsetenv_others: true)
    status.success? ? out.strip : raise("the AWS CLI failed: #{error}")
  end

  def botocore(profile: 'worker')
    @botocore.ask(environment: environment, profile: profile, directory: cache).fetch('access_key_id')
  end

  def asked = local_aws.requests(service: :sts, action: 'AssumeRole').size

  def file = files.one? ? files.first : raise("not one file: #{files}")

  def edit
    FileUtils.mkdir_p(cache)
    content = JSON.parse(File.read(file))
    yield content
    File.write(file, JSON.generate(content))
  end

  it 'writes what the AWS CLI and botocore use' do
    session = ours
    arn = session.identity.arn
    expect(arn).to match(%r{/lex-identity-aws-[^/]*\z})
    expect(cli).to eq(arn)
    expect(botocore).to eq(session.credentials.access_key_id)
    expect(asked).to eq(1)
    expect(File.stat(file).mode & 0o777).to eq(0o600)
    expect(File.stat(cache).mode & 0o777).to eq(0o700)
  end

  it 'uses what the AWS CLI wrote, and leaves it as it is' do
    arn = cli
    before = File.read(file)
    session = ours
    expect(session.identity.arn).to eq(arn).and match(%r{/botocore-session-\d+\z})
    expect(session.attempts.map { |attempt| attempt.values_at(:source, :outcome) }).to include(%w[cache found])
    expect(session.expiration).to eq(Time.parse(JSON.parse(before).dig('Credentials', 'Expiration')))
    expect(asked).to eq(1)
    expect(File.read(file)).to eq(before)
  end

  it 'uses what botocore wrote' do
    key = botocore
    expect(ours.credentials.access_key_id).to eq(key)
    expect(asked).to eq(1)
  end

  it 'lets the AWS CLI ask anew where our credentials have expired, and the other way round' do
    ours.credentials
    edit { |content| content['Credentials']['Expiration'] = '2020-01-01T00:00:00Z' }
    theirs = cli
    expect([theirs, asked]).to match([%r{/botocore-session-\d+\z}, 2])
    edit { |content| content['Credentials']['Expiration'] = '2020-01-01T00:00:00UTC' }
    session = ours
    expect([session.identity.arn, asked]).to match([%r{/lex-identity-aws-[^/]*\z}, 3])
    expect(botocore).to eq(session.credentials.access_key_id)
  end

  ['', '{', '[]', '{"Credentials": {"AccessKeyId": "ASIA"}}', "\xff\x00"].each do |rubbish|
    it "takes #{rubbish.inspect} in the file for nothing, and replaces it by what botocore can use" do
      ours.credentials
      File.binwrite(file, rubbish)
      session = ours
      expect(session.credentials.access_key_id).to eq(JSON.parse(File.read(file)).dig('Credentials', 'AccessKeyId'))
      expect(botocore).to eq(session.credentials.access_key_id)
      expect(asked).to eq(2)
    end
  end

  it 'refuses a file that others could have written, says so, and asks STS' do
    cli
    key = JSON.parse(File.read(file)).dig('Credentials', 'AccessKeyId')
    File.chmod(0o644, file)
    log = StringIO.new
    expect(ours(logger: Logger.new(log)).credentials.access_key_id).not_to eq(key)
    expect(log.string).to include('is not used', 'chmod 600')
    expect(JSON.parse(File.read(file)).dig('Credentials', 'AccessKeyId')).to eq(key)
  end

  it 'does not take what the AWS CLI wrote for a session with tags, and leaves it to the CLI' do
    arn = cli
    tagged = ours(tags: { team: 'legion' })
    expect(tagged.identity.arn).not_to eq(arn)
    expect(cli).to eq(arn)
    expect(files.map { |path| File.basename(path, '.json') }).to match_array([match(/\A\h{40}\z/), match(/\A\h{40}-?\h{8}\z/)])
    expect(ours(tags: { team: 'legion' }).credentials).to eq(tagged.credentials)
    expect(asked).to eq(2)
  end

  it 'gives its MFA session to the AWS CLI, which then does not prompt for a code' do
    codes = []
    session = ours(profile: 'careful', token_provider: ->(serial) { codes.push(serial) && '111111' })
    arn = session.identity.arn
    expect(cli(profile: 'careful')).to eq(arn)
    expect([codes, asked]).to eq([['arn:aws:iam::123456789012:mfa/demo'], 1])
  end

  it 'uses the MFA session of the AWS CLI without a token_provider' do
    arn = cli(profile: 'careful', typed: "222222\n")
    expect(ours(profile: 'careful').identity.arn).to eq(arn)
    expect(asked).to eq(1)
  end

  it 'names its files as botocore does, whatever is asked for' do
    seed = Integer(ENV.fetch('INTEROP_SEED', Random.new_seed % 1_000_000))
    arguments = RandomArguments.new(seed)
    60.times do |round|
      directory = File.join(@home, "names#{round}")
      given = arguments.next
      described_class.new(role_arn: worker, cache: directory, profile: 'base', **given).credentials
      name = @botocore.ask(name_of: RandomArguments.for_sts(given).merge('RoleArn' => worker)).fetch('name')
      expect(Dir.children(directory)).to include("#{name}.json"), "INTEROP_SEED=#{seed}, #{given}"
    end
  end
end
