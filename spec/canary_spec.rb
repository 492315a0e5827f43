# frozen_string_literal: true

require 'uri'
require 'digest'
require 'tempfile'
require 'tmpdir'
require_relative 'canary/forms'

# A secret in any source appears in no output: see canary/show_everything.rb for the outputs.
RSpec.describe 'A secret' do
  show_everything = File.read(File.join(__dir__, 'canary/show_everything.rb'))
  planted = 'canary/of+the/specs+sings=in/no/cage0000'
  planted_token = 'FwoGcanary+session/token/of+the+specs/sings+in+no+cage=='

  let(:home) { Dir.mktmpdir('home') }

  # Reads credentials and identity, and prints what came of it.
  let(:short) do
    <<~RUBY
      require 'logger'
      aws = Legion::Extensions::Identity::Aws
      session = aws::Session.new(logger: Logger.new($stdout), resolve_timeout: 1)
      %i[credentials identity].each do |name|
        puts session.public_send(name).inspect
      rescue aws::Error => e
        puts e.full_message(highlight: false), e.inspect, e.attempts, e.code.inspect, e.request_id.inspect, "outage: \#{e.outage?}"
      end
      puts aws.doctor
      puts 'the end'
    RUBY
  end

  after { FileUtils.remove_entry(home) }

  # A secret, and its encoded and truncated forms.
  def forms_of(secret) = [*Forms.of(secret), secret[0, 16], secret[-16..]].compact

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
      env = local_aws.env_with_keys.merge('HTTPS_PROXY' => "http://user:#{URI.encode_www_form_component(planted)}@127.0.0.1:9", 'HTTP_PROXY' => nil)
      sing(env: env, options: "{endpoint: '#{local_aws.http.sub('//', "//user:#{URI.encode_www_form_component(planted)}@")}'}", given: true)
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

    it 'is not shown when a token stands where a file, a role or a profile belongs' do
      token = local_aws.world.fetch('web_identity_tokens').keys.first
      role = 'arn:aws:iam::123456789012:role/irsa-app'
      [{ 'AWS_WEB_IDENTITY_TOKEN_FILE' => token, 'AWS_ROLE_ARN' => role }, { 'AWS_WEB_IDENTITY_TOKEN_FILE' => '/', 'AWS_ROLE_ARN' => token },
       { 'AWS_PROFILE' => token }, { 'AWS_SHARED_CREDENTIALS_FILE' => token },
       { 'AWS_CONTAINER_CREDENTIALS_FULL_URI' => local_aws.http, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE' => token }].each do |env|
        expect(sing(env: env, secrets: [token], given: false, code: short)).to include('[secret]')
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
        # A refused token is sent again until the time is over, by each of the calls.
        sing(env: local_aws.env_with_container.merge('AWS_CONTAINER_AUTHORIZATION_TOKEN' => token), options: '{resolve_timeout: 1}', given: false)
      end
    end

    broken = {
      'no JSON'      => "{\"AccessKeyId\": \"AKIACANARY\", \"SecretAccessKey\": \"#{planted}\", \"Token\": #{planted_token}",
      'no key'       => "{\"Code\": \"Success\", \"SecretAccessKey\": \"#{planted}\", \"Token\": \"#{planted_token}\", \"Expiration\": \"soon\"}",
      'no date'      => "{\"Code\": \"Success\", \"AccessKeyId\": \"AKIACANARY\", \"SecretAccessKey\": \"#{planted}\", " \
                        "\"Token\": \"#{planted_token}\", \"Expiration\": \"#{planted}\"}",
      'another code' => "{\"Code\": \"#{planted}\", \"Message\": \"no\"}"
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

  # The endpoint says everything it was sent, and for its code what proves the request.
  describe 'that an endpoint says back' do
    role = 'arn:aws:iam::123456789012:role/irsa-app'

    def echo(service, status = 400, **match) = local_aws.rule(service: service, answer: { echo: status }, **match)

    # What is quoted is there, without the secret, and no line begins with it.
    def quoted(output)
      expect(output).to include('[secret]')
      expect(output).not_to match(/^(x-amz|authorization|Action=)/)
      output
    end

    def login(folder, name, content)
      file("#{folder}/#{name}.json", JSON.generate(content))
    end

    it 'is not shown when STS says the session token' do
      arn = 'arn:aws:sts::123456789012:federated-user/bob'
      user = local_aws.world.fetch('users').fetch(arn)
      [400, 403, 503].each do |status|
        echo(:sts, status)
        quoted(sing(env: local_aws.env_with_keys(arn), secrets: user.values_at('secret_access_key', 'session_token'), options: '{resolve_timeout: 1}'))
        local_aws.reset
      end
    end

    it 'is not shown when STS says the session token to a scope, or to who asks for a token' do
      arn = 'arn:aws:sts::123456789012:assumed-role/legion-worker/canary'
      issued = local_aws.issue(arn)
      env = local_aws.env.merge('AWS_ACCESS_KEY_ID' => issued[:access_key_id], 'AWS_SECRET_ACCESS_KEY' => issued[:secret_access_key],
                                'AWS_SESSION_TOKEN' => issued[:session_token])
      code = <<~RUBY
        aws = Legion::Extensions::Identity::Aws
        session = aws::Session.new(resolve_timeout: 1)
        calls = [-> { session.scoped(policy: { Statement: [] }).credentials }, -> { session.identity_token(audience: 'a') },
                 -> { aws::Session.new(get_session_token: true).credentials }, -> { session.assume_role(role_arn: '#{role}', external_id: 'canary:of/the=specs').env }]
        calls.each do |call|
          puts call.call.inspect
        rescue aws::Error => e
          puts e.full_message(highlight: false), e.inspect, e.attempts, e.code.inspect, e.request_id.inspect
        end
        puts 'the end'
      RUBY
      [400, 403, 503].each do |status|
        echo(:sts, status)
        quoted(sing(env: env, secrets: issued.values_at(:secret_access_key, :session_token) << 'canary:of/the=specs', given: false, code: code))
        local_aws.reset
        issued = local_aws.issue(arn)
        env.merge!('AWS_ACCESS_KEY_ID' => issued[:access_key_id], 'AWS_SECRET_ACCESS_KEY' => issued[:secret_access_key],
                   'AWS_SESSION_TOKEN' => issued[:session_token])
      end
    end

    it 'is not shown when STS says the web identity token' do
      token = local_aws.world.fetch('web_identity_tokens').keys.first
      echo(:sts)
      env = { 'AWS_WEB_IDENTITY_TOKEN_FILE' => file('token', token), 'AWS_ROLE_ARN' => role }
      quoted(sing(env: env, secrets: [token], given: false))
      quoted(sing(options: "{web_identity_token: -> { '#{token}' }, role_arn: '#{role}'}", secrets: [token], given: false))
    end

    # These words pass no parser of errors, and are masked only when the failure leaves the fetch.
    it 'is not shown when STS says the session token where an ARN belongs' do
      arn = 'arn:aws:sts::123456789012:federated-user/bob'
      token = local_aws.world.fetch('users').fetch(arn).fetch('session_token')
      body = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>no ARN: #{token}</Arn><UserId>U</UserId><Account>123456789012</Account>" \
             '</GetCallerIdentityResult></GetCallerIdentityResponse>'
      local_aws.rule(service: :sts, action: 'GetCallerIdentity', answer: { body: { text: body, status: 200, content_type: 'text/xml' } })
      output = quoted(sing(env: local_aws.env_with_keys(arn), secrets: [token], given: false, code: short))
      expect(output).to include('an ARN that cannot be read').and include('no ARN: [secret]')
    end

    it 'is not shown when STS says the MFA code and the external id' do
      echo(:sts)
      options = "{role_arn: 'arn:aws:iam::123456789012:role/mfa-only', serial_number: 'arn:aws:iam::123456789012:mfa/demo', " \
                "token_provider: ->(_) { '314159' }, external_id: 'canary:of/the=specs'}"
      output = quoted(sing(env: local_aws.env_with_keys, options: options, secrets: ['canary:of/the=specs'], given: false))
      expect(output).not_to match(/(?<!\d)314159(?!\d)/)
    end

    it 'is not shown when a renewal fails while credentials are held' do
      user = local_aws.world.fetch('users').fetch('arn:aws:iam::123456789012:user/demo')
      code = <<~RUBY
        aws = Legion::Extensions::Identity::Aws
        require 'logger'
        session = aws::Session.new(role_arn: 'arn:aws:iam::123456789012:role/legion-worker', resolve_timeout: 1, logger: Logger.new($stdout))
        session.on_change { |event| puts "event: \#{event.inspect} \#{event.reason}" }
        held = session.credentials
        File.write(ENV.fetch('CANARY_FILE'), [held.secret_access_key, held.session_token].join("\n"))
        message = "we had \#{held.session_token} and \#{held.secret_access_key}"
        Net::HTTP.post(URI("\#{ENV['AWS_ENDPOINT_URL_STS'] || ENV['AWS_ENDPOINT_URL']}/_control/rules"),
                       JSON.generate(service: 'sts', answer: { error: { status: 503, code: 'Down', message: message } }))
        begin
          session.refresh!
        rescue aws::Error => e
          puts e.full_message, e.inspect, e.attempts, e.code, e.request_id
        end
        sleep 0.2
        puts session.credentials.inspect, session.credentials.degraded, session.attempts, session.warnings
        puts 'the end'
      RUBY
      quoted(sing(env: local_aws.env_with_keys, secrets: [user.fetch('secret_access_key')], code: "require 'net/http'\nrequire 'json'\n#{code}"))
    end

    it 'is not shown when the metadata service or a container endpoint says its token' do
      echo(:imds, action: 'Credentials')
      quoted(sing(given: false))
      local_aws.requests(service: :imds).filter_map { |request| request[:headers]['x-aws-ec2-metadata-token'] }.uniq
      echo(:container)
      [planted, 'c4n4ry0f7h3sp3cs51ngs1nn0c4g3'].each do |token|
        quoted(sing(env: local_aws.env_with_container.merge('AWS_CONTAINER_AUTHORIZATION_TOKEN' => token), secrets: [token],
                    options: '{resolve_timeout: 1}', given: false))
      end
    end

    it 'is not shown when IAM Identity Center says the access token, the refresh token or the client secret' do
      secrets = { 'accessToken' => "#{planted}0", 'refreshToken' => "#{planted_token}0", 'clientSecret' => "#{planted}/#{planted_token}" }
      file('.aws/config', "[default]\nsso_session = legion\nsso_account_id = 123456789012\nsso_role_name = Developer\n" \
                          "[sso-session legion]\nsso_start_url = https://legion.awsapps.com/start\nsso_region = eu-west-1\n")
      [3600, -3600].product([400, 401, 403]).each do |expires_in, status|
        login('.aws/sso/cache', Digest::SHA1.hexdigest('legion'),
              **secrets, 'clientId' => 'c', 'expiresAt' => (Time.now.utc + expires_in).strftime('%FT%TZ'), 'registrationExpiresAt' => '2199-01-01T00:00:00Z')
        echo(:sso, status)
        quoted(sing(secrets: secrets.values, given: false, code: short))
        local_aws.reset
      end
    end

    it 'is not shown when AWS Sign-In says the refresh token' do
      session = 'arn:aws:iam::123456789012:user/demo'
      file('.aws/config', "[default]\nregion = eu-west-1\nlogin_session = #{session}\n")
      key = OpenSSL::PKey::EC.generate('prime256v1').to_pem
      login('.aws/login/cache', Digest::SHA256.hexdigest(session),
            'accessToken' => { 'accessKeyId' => 'ASIACANARY', 'secretAccessKey' => planted, 'sessionToken' => planted_token, 'accountId' => '123456789012',
                               'expiresAt' => '2020-01-01T00:00:00Z' }, 'refreshToken' => "#{planted_token}0", 'clientId' => 'client', 'dpopKey' => key)
      echo(:signin, 400)
      quoted(sing(secrets: ["#{planted_token}0"], given: false, code: short))
    end

    it 'is not shown when a credential_process prints it in every place' do
      ['"Version": 1, "AccessKeyId": "%s"', '"Version": "%s"', '"Version": 1, "AccessKeyId": "A\nB", "SecretAccessKey": "%s"', '%s',
       '"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "%s", "SessionToken": "%s", "Expiration": "%s"'].each do |text|
        printed = file('printed', "{#{text.gsub('%s', planted)}}")
        file('.aws/config', "[default]\ncredential_process = sh -c 'cat #{printed}; cat #{printed} >&2'\n")
        sing(given: false, code: short)
      end
    end
  end

  # More than a key id can be: nothing of it moves a terminal, and no line begins with it.
  it 'is refused at its source when it cannot be shown or sent, and the field is named' do
    [{ 'AWS_ACCESS_KEY_ID' => "AKIA\e]0;#{planted}\a\nFAKE LINE" }, { 'AWS_SESSION_TOKEN' => "#{planted}\nFAKE LINE" },
     { 'AWS_SECRET_ACCESS_KEY' => "#{planted}\u007f" }, { 'AWS_ACCOUNT_ID' => "1\u202e2" }].each do |bad|
      output = sing(env: local_aws.env_with_keys.merge(bad), given: false, code: short)
      expect(output).to match(/ConfigurationError.*#{bad.keys.first} /).and include('outage: false')
      expect(output).not_to match(/[\e\a\u202e\u007f]|^FAKE LINE/)
    end
    expect(local_aws.requests(service: :sts).map { |request| request[:action] }.uniq - ['']).to be_empty # the doctor's probe has none
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
