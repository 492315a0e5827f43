# frozen_string_literal: true

require 'securerandom'
require 'tmpdir'

# The memory of a process whose Ruby code never asks for a secret, read by its parent.
RSpec.describe 'The memory of a process', if: RUBY_PLATFORM.include?('linux') do
  let(:home) { Dir.mktmpdir('home') }
  let(:old) { "old#{SecureRandom.alphanumeric(37)}" }
  let(:new) { "new#{SecureRandom.alphanumeric(37)}" }

  after { FileUtils.remove_entry(home) }

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

  # How many copies of the old secret there are while its credentials are held, and once they are replaced and dropped.
  def counted(options, env: {})
    code = <<~RUBY
      $stdout.sync = true
      require 'legion/extensions/identity/aws'
      session = Legion::Extensions::Identity::Aws::Session.new(#{options})
      # On threads that end, because Ruby takes what lies on the stack of a living one for references.
      id = Thread.new { session.inspect && session.credentials.access_key_id }.value
      puts 'held'
      $stdin.gets
      abort 'not replaced' if Thread.new { session.invalidate(id) && session.credentials.access_key_id }.value == id
      3.times { GC.start }
      puts 'replaced'
      $stdin.gets
    RUBY
    start_ruby(code, env: local_aws.env.merge('HOME' => home, **env)) do |ruby|
      ruby.wait_for(/^held/, timeout: 20)
      held = copies(ruby.pid, old)
      yield if block_given?
      ruby.tell('')
      ruby.wait_for(/^replaced/, timeout: 20)
      [held, copies(ruby.pid, old)]
    end
  end

  def answer(secret)
    JSON.generate('Code' => 'Success', 'AccessKeyId' => "ASIA#{secret[0, 16].upcase}", 'SecretAccessKey' => secret, 'Token' => "token-#{secret}",
                  'Expiration' => '2099-01-01T00:00:00Z')
  end

  def xml(secret)
    '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>' \
      '<Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser><Credentials>' \
      "<AccessKeyId>ASIA#{secret[0, 16].upcase}</AccessKeyId><SecretAccessKey>#{secret}</SecretAccessKey><SessionToken>token</SessionToken>" \
      '<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>'
  end

  it 'has no copy of a credential_process’s secret once it is replaced' do
    file = File.join(home, 'answer.json')
    write = lambda do |secret|
      File.write(file, JSON.generate({ 'Version' => 1, 'SessionToken' => "token-#{secret}", **JSON.parse(answer(secret)).except('Token') }))
    end
    write.call(old)
    held, left = counted("credential_process: 'cat #{file}'") { write.call(new) }
    expect([held, left]).to match([be_positive, 0])
  end

  it 'has none of a session on top of another either' do
    file = File.join(home, 'answer.json')
    write = ->(secret) { File.write(file, JSON.generate({ 'Version' => 1, **JSON.parse(answer(secret)).except('Token') })) }
    write.call(old)
    source = "Legion::Extensions::Identity::Aws::Session.new(credential_process: 'cat #{file}')"
    held, left = counted("source: #{source}, role_arn: false") { write.call(new) }
    expect([held, left]).to match([be_positive, 0])
  end

  def of_rule(service, action, text, type, options, env)
    body = ->(secret) { { body: { text: text.call(secret), status: 200, content_type: type } } }
    id = local_aws.rule(service: service, **action, answer: body.call(old))
    counted(options, env: env) do
      local_aws.remove_rule(id)
      local_aws.rule(service: service, **action, answer: body.call(new))
    end
  end

  it 'has none but those of the HTTP library of what a container endpoint gave' do
    held, left = of_rule(:container, {}, method(:answer), 'application/json', '', local_aws.env_with_container)
    expect(held).to be_positive
    expect(left).to be <= 2
  end

  it 'has none but those of the AWS SDK and the HTTP library of what STS gave' do
    held, left = of_rule(:sts, { action: 'AssumeRole' }, method(:xml), 'text/xml', "role_arn: 'arn:aws:iam::123456789012:role/r'", local_aws.env_with_keys)
    expect(held).to be_positive
    expect(left).to be <= 4
  end
end
