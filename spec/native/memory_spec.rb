# frozen_string_literal: true

require 'digest'
require 'openssl'
require 'securerandom'
require 'tmpdir'

# The memory of a process whose Ruby code never asks for a secret, read by its parent.
RSpec.describe 'The memory of a process', if: RUBY_PLATFORM.include?('linux') do
  let(:home) { Dir.mktmpdir('home') }
  let(:old) { "old#{SecureRandom.alphanumeric(37)}" }
  let(:new) { "new#{SecureRandom.alphanumeric(37)}" }

  after { FileUtils.remove_entry(home) }

  # The session token that belongs to a secret key.
  def token_of(secret) = "token#{Digest::SHA256.hexdigest(secret)}"

  # Copies while held, and none once replaced.
  def gone = match([be_positive, 0])

  # How often the text is in the writable memory of the process.
  def copies(pid, text)
    File.open("/proc/#{pid}/mem", 'rb') do |memory|
      File.foreach("/proc/#{pid}/maps").sum do |line|
        from, to, mode = line.match(/\A(\h+)-(\h+) (\S+)/).captures
        next 0 unless mode.start_with?('rw')

        memory.pread(to.hex - from.hex, from.hex).scan(text.b).size
      rescue SystemCallError # a guard page, or a mapping of the kernel's
        0
      end
    end
  end

  # For the old secret key and the old session token how many copies there are while their credentials are held, and how many once they are
  # replaced and dropped. The process finds no String of Ruby with one of them at either time; it is told their halves only, so that it makes
  # no copy itself.
  def counted(options, env: {}, use: 'attempts')
    code = <<~RUBY
      $stdout.sync = true
      require 'legion/extensions/identity/aws'
      def strings(halves)
        halves.each_slice(2).sum do |one, other|
          ObjectSpace.each_object(String).count { |text| (at = text.b.index(one)) && text.b[at + one.size, other.size] == other }
        end
      end
      session = Legion::Extensions::Identity::Aws::Session.new(#{options})
      # On threads that end, because Ruby takes what lies on the stack of a living one for references.
      id = Thread.new { session.inspect && session.credentials.access_key_id }.value
      Thread.new { session.#{use} }.join
      puts 'held'
      halves = $stdin.gets.split
      puts "in Ruby: \#{strings(halves)}"
      $stdin.gets
      abort 'not replaced' if Thread.new { session.invalidate(id) && session.credentials.access_key_id }.value == id
      3.times { GC.start }
      puts "replaced, in Ruby: \#{strings(halves)}"
      $stdin.gets
    RUBY
    start_ruby(code, env: local_aws.env.merge('HOME' => home, **env)) do |ruby|
      ruby.wait_for(/^held/, timeout: 20)
      secrets = [old, token_of(old)]
      held = secrets.map { |secret| copies(ruby.pid, secret) }
      ruby.tell(secrets.flat_map { |secret| [secret[0, 20], secret[20..]] }.join(' '))
      ruby.wait_for(/^in Ruby: 0/, timeout: 20)
      yield if block_given?
      ruby.tell('')
      ruby.wait_for(/^replaced, in Ruby: 0/, timeout: 20)
      held.zip(secrets.map { |secret| copies(ruby.pid, secret) })
    end
  end

  def answer(secret)
    JSON.generate('Code' => 'Success', 'AccessKeyId' => "ASIA#{secret[0, 16].upcase}", 'SecretAccessKey' => secret, 'Token' => token_of(secret),
                  'Expiration' => '2099-01-01T00:00:00Z')
  end

  def printed(secret)
    JSON.generate('Version' => 1, 'SessionToken' => token_of(secret), **JSON.parse(answer(secret)).except('Token'))
  end

  def xml(secret, call = 'AssumeRole')
    "<#{call}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><#{call}Result><AssumedRoleUser>" \
      '<Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser><Credentials>' \
      "<AccessKeyId>ASIA#{secret[0, 16].upcase}</AccessKeyId><SecretAccessKey>#{secret}</SecretAccessKey><SessionToken>#{token_of(secret)}</SessionToken>" \
      "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></#{call}Result></#{call}Response>"
  end

  it 'has no copy of a credential_process’s secret once it is replaced' do
    file = File.join(home, 'answer.json')
    File.write(file, printed(old))
    expect(counted("credential_process: 'cat #{file}'") { File.write(file, printed(new)) }).to all(gone)
  end

  it 'has none of a session on top of another either' do
    file = File.join(home, 'answer.json')
    File.write(file, printed(old))
    source = "Legion::Extensions::Identity::Aws::Session.new(credential_process: 'cat #{file}')"
    expect(counted("source: #{source}, role_arn: false") { File.write(file, printed(new)) }).to all(gone)
  end

  # The session token is a header of the request.
  it 'has none either where the identity was asked for' do
    who = '<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn><UserId>A:s</UserId>' \
          '<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>'
    local_aws.rule(service: :sts, action: 'GetCallerIdentity', answer: { body: { text: who, status: 200, content_type: 'text/xml' } })
    file = File.join(home, 'answer.json')
    [false, true].each do |tls|
      File.write(file, printed(old))
      left = counted("credential_process: 'cat #{file}'", env: local_aws.env(tls: tls), use: 'identity') { File.write(file, printed(new)) }
      expect(left).to all(gone)
    end
  end

  def of_rule(service, action, texts, type, options, env)
    local_aws.reset
    old_body, new_body = [old, new].map { |secret| { body: { text: texts.call(secret), status: 200, content_type: type } } }
    id = local_aws.rule(service: service, **action, answer: old_body)
    counted(options, env: env) do
      local_aws.remove_rule(id)
      local_aws.rule(service: service, **action, answer: new_body)
    end
  end

  it 'has none of what a container endpoint or IMDS gave' do
    of_container = of_rule(:container, {}, method(:answer), 'application/json', '', local_aws.env_with_container)
    of_imds = of_rule(:imds, { action: 'Credentials' }, method(:answer), 'application/json', '', {})
    expect(of_container + of_imds).to all(gone)
  end

  role = "role_arn: 'arn:aws:iam::123456789012:role/r'"

  it 'has none of what STS gave' do
    plain = of_rule(:sts, { action: 'AssumeRole' }, method(:xml), 'text/xml', role, local_aws.env_with_keys)
    tls = of_rule(:sts, { action: 'AssumeRole' }, method(:xml), 'text/xml', role, local_aws.env_with_keys(tls: true))
    expect(plain + tls).to all(gone)
  end

  it 'has none of what STS gave for a web identity' do
    call = 'AssumeRoleWithWebIdentity'
    web = { 'AWS_WEB_IDENTITY_TOKEN_FILE' => File.join(home, 'token').tap { |path| File.write(path, 'a-token') },
            'AWS_ROLE_ARN'                => 'arn:aws:iam::123456789012:role/r' }
    plain, tls = [false, true].map do |tls|
      of_rule(:sts, { action: call }, ->(secret) { xml(secret, call) }, 'text/xml', '', local_aws.env(tls: tls).merge(web))
    end
    expect(plain + tls).to all(gone)
  end

  it 'has none of what is traded for keys, or shared on disk' do
    traded = of_rule(:sts, { action: 'GetSessionToken' }, ->(secret) { xml(secret, 'GetSessionToken') }, 'text/xml', 'get_session_token: true',
                     local_aws.env_with_keys)
    shared = of_rule(:sts, { action: 'AssumeRole' }, method(:xml), 'text/xml', "#{role}, cache: true", local_aws.env_with_keys)
    expect(traded + shared).to all(gone)
  end

  it 'has none of the keys of a profile' do
    write = lambda do |secret|
      FileUtils.mkdir_p(File.join(home, '.aws'))
      File.write(File.join(home, '.aws/credentials'), "[default]\naws_access_key_id = ASIA#{secret[0, 16].upcase}\n" \
                                                      "aws_secret_access_key = #{secret}\naws_session_token = #{token_of(secret)}\n")
    end
    write.call(old)
    expect(counted('') { write.call(new) }).to all(gone)
  end

  it 'has none of an `aws login`' do
    identity = 'arn:aws:iam::123456789012:user/demo'
    key = OpenSSL::PKey::EC.generate('prime256v1').to_pem
    write = lambda do |secret|
      keys = { accessKeyId: "ASIA#{secret[0, 16].upcase}", secretAccessKey: secret, sessionToken: token_of(secret), accountId: '123456789012',
               expiresAt: '2099-01-01T00:00:00Z' }
      FileUtils.mkdir_p(File.join(home, '.aws/login/cache'))
      File.write(File.join(home, '.aws/config'), "[default]\nregion = eu-west-1\nlogin_session = #{identity}\n")
      File.write(File.join(home, ".aws/login/cache/#{Digest::SHA256.hexdigest(identity)}.json"),
                 JSON.generate(accessToken: keys, refreshToken: 'r', clientId: 'c', dpopKey: key))
    end
    write.call(old)
    expect(counted('') { write.call(new) }).to all(gone)
  end

  # The system and Ruby have copies of their own of what the process was started with, and Ruby 3.3 makes one in ENV.delete.
  it 'has of keys in ENV, once they and their session are gone, what a process without a session has' do
    before, held, left = in_env('session = Legion::Extensions::Identity::Aws::Session.new.tap(&:credentials)')
    without = in_env('')
    expect(before).to eq(without.first).and(all(be_positive))
    expect(held).to match(without[1].map { |count| be > count })
    expect(left).to eq(without.last)
  end

  # How often keys in ENV are in the memory of a process: at first, after `held`, and after they were deleted.
  def in_env(held)
    keys = { 'AWS_ACCESS_KEY_ID' => 'ASIAOLD', 'AWS_SECRET_ACCESS_KEY' => old, 'AWS_SESSION_TOKEN' => token_of(old) }
    code = <<~RUBY
      $stdout.sync = true
      require 'legion/extensions/identity/aws'
      session = nil
      steps = { begun: -> {}, held: -> { #{held} }, left: -> { #{keys.keys}.each { |name| ENV.delete(name) } && session = nil } }
      steps.each do |name, step|
        Thread.new { step.call && nil }.join
        3.times { GC.start }
        puts name
        $stdin.gets
      end
    RUBY
    start_ruby(code, env: local_aws.env.merge('HOME' => home, **keys)) do |ruby|
      %w[begun held left].map do |step|
        ruby.wait_for(/^#{step}/, timeout: 20)
        [old, token_of(old)].map { |secret| copies(ruby.pid, secret) }.tap { ruby.tell('') }
      end
    end
  end

  def portal(secret)
    JSON.generate(roleCredentials: { accessKeyId: "ASIA#{secret[0, 16].upcase}", secretAccessKey: secret, sessionToken: token_of(secret),
                                     expiration: 4_070_908_800_000 })
  end

  it 'has none of what IAM Identity Center gave' do
    FileUtils.mkdir_p(File.join(home, '.aws/sso/cache'))
    File.write(File.join(home, '.aws/config'), "[default]\nsso_session = legion\nsso_account_id = 123456789012\nsso_role_name = Developer\n" \
                                               "[sso-session legion]\nsso_start_url = https://legion.awsapps.com/start\nsso_region = eu-west-1\n")
    File.write(File.join(home, ".aws/sso/cache/#{Digest::SHA1.hexdigest('legion')}.json"),
               JSON.generate(accessToken: 'access', expiresAt: '2099-01-01T00:00:00Z'))
    plain = of_rule(:sso, {}, method(:portal), 'application/json', '', {})
    tls = of_rule(:sso, {}, method(:portal), 'application/json', '', local_aws.env(tls: true))
    expect(plain + tls).to all(gone)
  end

  # How often `old` is in the memory of a process that has sent it.
  def left_of_request(service, place, name, env)
    code = <<~RUBY
      $stdout.sync = true
      require 'legion/extensions/identity/aws'
      session = Legion::Extensions::Identity::Aws::Session.new
      puts "held \#{session.credentials.access_key_id}"
      $stdin.gets
    RUBY
    start_ruby(code, env: { 'HOME' => home, **env }) do |ruby|
      ruby.wait_for(/^held ASIA/, timeout: 20)
      expect(local_aws.requests(service: service).last[place][name]).to eq(old)
      copies(ruby.pid, old)
    end
  end

  it 'has none of the token that proved a request' do
    token = File.join(home, 'token').tap { |path| File.write(path, old) }
    call = 'AssumeRoleWithWebIdentity'
    local_aws.rule(service: :sts, action: call, answer: { body: { text: xml(new, call), status: 200, content_type: 'text/xml' } })
    local_aws.rule(service: :container, answer: { body: { text: answer(new), status: 200, content_type: 'application/json' } })
    [false, true].each do |tls|
      env = local_aws.env(tls: tls)
      web = { 'AWS_WEB_IDENTITY_TOKEN_FILE' => token, 'AWS_ROLE_ARN' => 'arn:aws:iam::123456789012:role/r' }
      expect(left_of_request(:sts, :params, 'WebIdentityToken', env.merge(web))).to eq(0)
    end
    container = { 'AWS_CONTAINER_CREDENTIALS_FULL_URI' => "#{local_aws.http}/v1/credentials", 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE' => token }
    expect(left_of_request(:container, :headers, 'authorization', local_aws.env.merge(container))).to eq(0)
  end
end
