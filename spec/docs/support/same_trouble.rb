# frozen_string_literal: true

require 'aws-sdk-core'
require 'json'
require 'tmpdir'
require 'legion/extensions/identity/aws'

# Which error aws-sdk-ruby and this gem raise for the same machine, for each trouble. To be run in a process of its own, with a local AWS.
module SameTrouble
  ROLE = 'arn:aws:iam::123456789012:role/'
  KEYS = "aws_access_key_id = AKIADEMOUSERFAKEAWS2\naws_secret_access_key = demo+secret/of/the/local/AWS+not/a/key00\n"
  ON_KEYS = "[profile p]\nrole_arn = #{ROLE}legion-worker\nsource_profile = q\n[profile q]\n#{KEYS}".freeze
  SSO = "[profile p]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = Developer\n[sso-session s]\n" \
        "sso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n"

  # A config file, whose profile p is named; or variables; or what STS answers to AssumeRole.
  TROUBLES = {
    nothing:       { config: '', profile: nil },
    no_source:     { config: "[profile p]\nrole_arn = #{ROLE}legion-worker\nsource_profile = gone\n" },
    empty_source:  { config: "[profile p]\nrole_arn = #{ROLE}legion-worker\nsource_profile = q\n[profile q]\nregion = us-east-1\n" },
    ring:          { config: ON_KEYS.sub(KEYS, "role_arn = #{ROLE}legion-worker\nsource_profile = p\n") },
    no_sso_login:  { config: SSO },
    no_login:      { config: "[profile p]\nlogin_session = arn:aws:iam::123456789012:user/demo\n" },
    process:       { config: "[profile p]\ncredential_process = echo {}\n" },
    no_token_file: { config: '', profile: nil, env: { 'AWS_ROLE_ARN' => "#{ROLE}irsa-app", 'AWS_WEB_IDENTITY_TOKEN_FILE' => '/nowhere/token' } },
    refused_token: { config: '', profile: nil, env: { 'AWS_ROLE_ARN' => "#{ROLE}irsa-app", 'AWS_WEB_IDENTITY_TOKEN_FILE' => '%<folder>s/token' } },
    refused_role:  { config: ON_KEYS.sub('legion-worker', 'forbidden') },
    expired_key:   { config: ON_KEYS, answer: { status: 403, code: 'ExpiredTokenException' } },
    throttled:     { config: ON_KEYS, answer: { status: 400, code: 'Throttling' } },
    no_connection: { config: ON_KEYS, env: { 'AWS_ENDPOINT_URL_STS' => 'http://127.0.0.1:9' } }
  }.freeze

  class << self
    # By the trouble's name, the class of their error and that of ours.
    def report
      before = ENV.to_h
      Dir.mktmpdir do |folder|
        TROUBLES.transform_values do |trouble|
          ENV.replace(before.merge(machine(folder, **trouble)))
          answering(trouble[:answer]) do
            [error { Aws::STS::Client.new.get_caller_identity }, error { Legion::Extensions::Identity::Aws::Session.new(resolve_timeout: 1).identity }]
          end
        end
      end
    end

    private

    def machine(folder, config:, profile: 'p', env: {}, **)
      File.write("#{folder}/config", config)
      File.write("#{folder}/credentials", '')
      File.write("#{folder}/token", 'of.no.provider')
      { 'AWS_CONFIG_FILE' => "#{folder}/config", 'AWS_SHARED_CREDENTIALS_FILE' => "#{folder}/credentials", 'AWS_MAX_ATTEMPTS' => '1',
        'AWS_EC2_METADATA_DISABLED' => 'true', **{ 'AWS_PROFILE' => profile }.compact, **env.transform_values { |value| format(value, folder: folder) } }
    end

    def answering(answer)
      return yield unless answer

      rules = URI("#{ENV.fetch('AWS_ENDPOINT_URL_STS')}/_control/rules")
      rule = { service: 'sts', action: 'AssumeRole', answer: { error: { message: 'no', **answer } } }
      Net::HTTP.post(rules, JSON.generate(rule)).value
      yield.tap { Net::HTTP.start(rules.host, rules.port) { |connection| connection.delete(rules.path) } }
    end

    def error
      Aws.shared_config.fresh(config_enabled: true) # else the SDK reads its files once a process
      yield
      nil
    rescue StandardError => e
      e.class.name
    end
  end
end
