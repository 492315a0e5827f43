# frozen_string_literal: true

require 'cgi'
require 'tempfile'
require 'tmpdir'

# A secret in any source appears in no output: see canary/show_everything.rb for the outputs.
RSpec.describe 'A secret' do
  show_everything = File.read(File.join(__dir__, 'canary/show_everything.rb'))
  planted = 'canary/of+the/specs+sings=in/no/cage0000'
  planted_token = 'FwoGcanary+session/token/of+the+specs/sings+in+no+cage=='

  let(:home) { Dir.mktmpdir('home') }

  after { FileUtils.remove_entry(home) }

  # A secret, and its encoded and truncated forms.
  def forms_of(secret)
    [secret, secret[0, 16], secret[-16..], CGI.escape(secret), [secret].pack('m0')[0..-5], secret.gsub('/', '\/'), secret.unpack1('H*')]
  end

  def file(name, text)
    path = File.join(home, name)
    FileUtils.mkdir_p(File.dirname(path))
    File.write(path, text)
    path
  end

  # Runs show_everything.rb with the current ENV; fails if its output has a secret, and returns the output.
  define_method(:sing) do |env: {}, secrets: [], options: '{}', code: show_everything, given: true|
    handed_out = Tempfile.new('canary')
    env = local_aws.env.merge('HOME' => home, 'CANARY_FILE' => handed_out.path, 'CANARY' => planted, 'CANARY_OPTIONS' => options, 'RUST_LOG' => 'trace',
                              'RUST_BACKTRACE' => 'full').merge(env)
    result = ruby_process("require 'legion/extensions/identity/aws'\n#{code}", env: env, timeout: 50)
    received = File.readlines(handed_out.path, chomp: true)
    expect(received).to(given ? be_any : be_empty)

    output = result.output
    expect(output).to include('the end'), output
    (secrets + received + [planted, planted_token]).uniq.each do |secret|
      forms_of(secret).each { |form| expect(output).not_to include(form), "#{form} is in\n#{output.lines.grep(/#{Regexp.escape(form)}/).first(5).join}" }
    end
    output
  end

  describe 'that works' do
    it 'is not shown when it comes from ENV' do
      user = local_aws.world.fetch('users').fetch('arn:aws:iam::123456789012:user/demo')
      output = sing(env: local_aws.env_with_keys, secrets: [user.fetch('secret_access_key')])
      expect(output).to include(user.fetch('access_key_id'))
    end

    it 'is not shown when it comes from ENV with a session token' do
      arn = 'arn:aws:sts::123456789012:federated-user/bob'
      user = local_aws.world.fetch('users').fetch(arn)
      sing(env: local_aws.env_with_keys(arn), secrets: [user.fetch('secret_access_key'), user.fetch('session_token')])
    end

    it 'is not shown when it comes from a profile' do
      user = local_aws.world.fetch('users').fetch('arn:aws:iam::123456789012:user/demo')
      file('.aws/credentials', "[canary]\naws_access_key_id = #{user['access_key_id']}\naws_secret_access_key = #{user['secret_access_key']}\n")
      output = sing(options: "{profile: 'canary'}", secrets: [user['secret_access_key']])
      expect(output).to include('profile canary')
    end

    it 'is not shown when it comes from AssumeRole' do
      user = local_aws.world.fetch('users').fetch('arn:aws:iam::123456789012:user/demo')
      output = sing(env: local_aws.env_with_keys, options: "{role_arn: 'arn:aws:iam::123456789012:role/legion-worker'}", secrets: [user['secret_access_key']])
      expect(output).to include('assumed-role/legion-worker')
    end

    it 'is not shown when it comes from a web identity, nor the token' do
      token = local_aws.world.fetch('web_identity_tokens').keys.first
      env = { 'AWS_WEB_IDENTITY_TOKEN_FILE' => file('token', "#{token}\n"), 'AWS_ROLE_ARN' => 'arn:aws:iam::123456789012:role/irsa-app' }
      expect(sing(env: env, secrets: [token])).to include('irsa-app')
    end

    it 'is not shown when it comes from the container endpoint, nor the authorization token' do
      token = local_aws.world.fetch('containers').fetch('/ecs/credentials').fetch('authorization_token')
      expect(sing(env: local_aws.env_with_container, secrets: [token])).to include('ecs-task')
    end

    it 'is not shown when the authorization token comes from a file' do
      token = local_aws.world.fetch('containers').fetch('/v1/credentials').fetch('authorization_token')
      env = local_aws.env.merge('AWS_CONTAINER_CREDENTIALS_FULL_URI'     => "#{local_aws.http}/v1/credentials",
                                'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE' => file('token', token))
      expect(sing(env: env, secrets: [token])).to include('eks-pod')
    end

    it 'is not shown when it comes from the instance metadata service, nor its token' do
      output = sing
      tokens = local_aws.requests(service: :imds).filter_map { |request| request[:headers]['x-aws-ec2-metadata-token'] }.uniq
      expect(tokens).not_to be_empty
      tokens.each { |token| expect(output).not_to include(token) }
      expect(output).to include('ec2-web')
    end

    it 'is not shown when it comes from a source, credentials or a provider' do
      user = local_aws.world.fetch('users').fetch('arn:aws:iam::123456789012:user/demo')
      keys = "Legion::Extensions::Identity::Aws::Credentials.new('#{user['access_key_id']}', '#{user['secret_access_key']}')"
      [keys, "Struct.new(:credentials).new(#{keys})"].each do |source|
        output = sing(options: "{source: #{source}, role_arn: 'arn:aws:iam::123456789012:role/legion-worker'}", secrets: [user['secret_access_key']])
        expect(output).to include('assumed-role/legion-worker')
      end
    end

    it 'is not shown when it is the token of a callable' do
      token = local_aws.world.fetch('web_identity_tokens').keys.first
      options = "{web_identity_token: -> { '#{token}' }, role_arn: 'arn:aws:iam::123456789012:role/irsa-app'}"
      expect(sing(options: options, secrets: [token])).to include('irsa-app')
    end

    it 'is not shown when it is a password in an endpoint or proxy URL' do
      env = local_aws.env_with_keys.merge('HTTPS_PROXY' => "http://user:#{CGI.escape(planted)}@127.0.0.1:9", 'HTTP_PROXY' => nil)
      sing(env: env, options: "{endpoint: '#{local_aws.http.sub('//', "//user:#{CGI.escape(planted)}@")}'}", given: true)
    end
  end

  describe 'that does not work' do
    def keys(secret, token = nil) = { 'AWS_ACCESS_KEY_ID' => 'AKIACANARYOFTHESPECS', 'AWS_SECRET_ACCESS_KEY' => secret, 'AWS_SESSION_TOKEN' => token }

    it 'is not shown when AWS refuses it' do
      expect(sing(env: keys(planted, planted_token))).to include('InvalidClientTokenId')
      demo = { 'AWS_ACCESS_KEY_ID' => 'AKIADEMOUSERFAKEAWS2', 'AWS_SECRET_ACCESS_KEY' => planted }
      expect(sing(env: demo)).to include('SignatureDoesNotMatch')
    end

    it 'is not shown when half of a pair is missing' do
      sing(env: keys(planted).merge('AWS_ACCESS_KEY_ID' => nil), given: false)
    end

    it 'is not shown when a profile file cannot be read' do
      file('.aws/credentials', "[canary]\naws_access_key_id = AKIACANARY\naws_secret_access_key #{planted}\n#{planted_token}\n")
      sing(options: "{profile: 'canary'}", given: false)
      file('.aws/credentials', "[canary\naws_secret_access_key = #{planted}\n")
      sing(options: "{profile: 'canary'}", given: false)
      file('.aws/credentials', "[canary]\naws_secret_access_key = #{planted}\naws_session_token = #{planted_token}\n")
      sing(options: "{profile: 'canary'}", given: false)
    end

    it 'is not shown when a web identity token is refused, malformed or too long' do
      role = { 'AWS_ROLE_ARN' => 'arn:aws:iam::123456789012:role/irsa-app' }
      [planted_token, "#{planted}\u0000\u0007#{planted}", "#{planted}\n" * 1000].each do |token|
        sing(env: role.merge('AWS_WEB_IDENTITY_TOKEN_FILE' => file('token', token)), given: false)
      end
    end

    it 'is not shown when the answer of a callable is refused, or is neither a token nor a code' do
      web = "role_arn: 'arn:aws:iam::123456789012:role/irsa-app', web_identity_token: -> { ENV['CANARY'] + \"%s\" }"
      mfa = "role_arn: 'arn:aws:iam::123456789012:role/mfa-only', serial_number: 'arn:aws:iam::123456789012:mfa/demo', token_provider: ->(_) { ENV['CANARY'] }"
      [format(web, ''), format(web, '\u0007'), format(web, '\xFF'), mfa].each do |options|
        sing(env: local_aws.env_with_keys, options: "{#{options}}", given: false)
      end
    end

    it 'is not shown when a container authorization token is refused or cannot be a header' do
      [planted_token, "#{planted}\r\nx-canary: #{planted}"].each do |token|
        sing(env: local_aws.env_with_container.merge('AWS_CONTAINER_AUTHORIZATION_TOKEN' => token), given: false)
      end
    end

    broken = {
      'no JSON'      => "{\"AccessKeyId\": \"AKIACANARY\", \"SecretAccessKey\": \"#{planted}\", \"Token\": #{planted_token}",
      'no key'       => "{\"Code\": \"Success\", \"SecretAccessKey\": \"#{planted}\", \"Token\": \"#{planted_token}\", \"Expiration\": \"soon\"}",
      'no date'      => "{\"Code\": \"Success\", \"AccessKeyId\": \"AKIACANARY\", \"SecretAccessKey\": \"#{planted}\", " \
                        "\"Token\": \"#{planted_token}\", \"Expiration\": \"#{planted}\"}",
      'another code' => "{\"Code\": \"#{planted}\", \"Message\": \"#{planted_token}\"}"
    }
    broken.each do |kind, body|
      it "is not shown when the metadata service or a container endpoint answers with #{kind}" do
        local_aws.rule(service: :imds, action: 'Credentials', answer: { body: { text: body, status: 200, content_type: 'application/json' } })
        sing(given: false)
        local_aws.rule(service: :container, answer: { body: { text: body, status: 200, content_type: 'application/json' } })
        sing(env: local_aws.env_with_container, given: false)
      end
    end

    it 'is not shown when STS gives a malformed answer' do
      ["<AssumeRoleResponse><Credentials><SecretAccessKey>#{planted}</SecretAccessKey><SessionToken>#{planted_token}<", planted,
       "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>#{planted}</SecretAccessKey>" \
       '</Credentials></AssumeRoleResult></AssumeRoleResponse>'].each do |body|
        local_aws.rule(service: :sts, action: 'AssumeRole', answer: { body: { text: body, status: 200, content_type: 'text/xml' } }) do
          sing(env: local_aws.env_with_keys, options: "{role_arn: 'arn:aws:iam::123456789012:role/legion-worker'}", given: false)
        end
      end
    end
  end

  it 'is not shown by irb' do
    user = local_aws.world.fetch('users').fetch('arn:aws:iam::123456789012:user/demo')
    code = "require 'legion/extensions/identity/aws'\nAws = Legion::Extensions::Identity::Aws\nrequire 'irb'\n" \
           "ARGV.replace(%w[-f --nomultiline --nosingleline --noprompt])\nIRB.start"
    output = start_ruby(code, env: local_aws.env_with_keys) do |irb|
      ['session = Aws::Session.new', 'session.credentials', 'session', 'Aws::Identity.provide_token', 'Aws::Identity.current_credentials',
       'pp session.credentials', 'p Aws::Identity.resolve', 'session.credentials.nonsense', 'puts session.credentials', '[session.credentials]',
       'Aws::Identity.send(:remove_const, :PROVIDER)', 'exit'].each { |line| irb.tell(line) }
      irb.finish.output
    end
    expect(output.scan(user.fetch('access_key_id')).size).to be > 5
    expect(output).not_to include(user.fetch('secret_access_key'))
  end

  it 'is not shown by a warning about settings that contain it' do
    code = <<~RUBY
      module Legion
        module Settings
          HASH = { 'remark' => ENV['CANARY'], password: { nested: ENV['CANARY'] }, region: 'eu-west-1' }
          def self.loader = self
          def self.dig(*) = HASH
        end
      end
      #{show_everything}
    RUBY
    output = sing(env: local_aws.env_with_keys, code: code)
    expect(output).to include('identity.aws.remark')
  end
end
