# frozen_string_literal: true

require 'digest'
require_relative 'configuration'

# Profile files and an environment by chance, the same for the same seed. Not written are the few things in which the
# configurations by hand show that boto3 and we differ; what both refuse is, and often.
class RandomConfiguration
  PROFILES = %w[default base ops prod-eu x].freeze
  ROLES = %w[{role.builder} {role.deployer} {role.auditor}].freeze
  CLOSED_ROLES = %w[{role}/forbidden {role}/external-id-only].freeze # the local AWS has them
  KINDS = { keys: 3, role: 5, named_source: 1, process: 1, settings: 1, mixture: 2, web_identity: 1, sso: 1 }.freeze
  ONLY_LOCAL = %i[web_identity sso].freeze
  STYLES = { plain: 5, colons: 1, indented: 1, capitals: 1, windows: 1, comments: 1, wide: 1 }.freeze
  SSO = { 'sso_start_url' => 'https://legion.awsapps.com/start', 'sso_region' => 'us-east-1' }.freeze
  FILES = {
    'keys.json'                                               => '{anna.json}',
    'others.json'                                             => '{carol.json}',
    'token'                                                   => '{token}',
    ".aws/sso/cache/#{Digest::SHA1.hexdigest('legion')}.json" => JSON.generate(
      startUrl: SSO['sso_start_url'], region: 'us-east-1', accessToken: 'sso-access-token-of-the-local-AWS', expiresAt: '2199-01-01T00:00:00Z'
    )
  }.freeze

  def self.make(name, seed)
    new(name, seed).configuration
  end

  def initialize(name, seed)
    @name = name
    @dice = Random.new(seed)
    @against = one_in(2) ? :moto : :local
  end

  def configuration
    config, credentials = files
    profile, environment = chosen_profile
    Configuration.new(@name, against: @against, who: nil, config: config, credentials: credentials, files: FILES, profile: profile,
                             environment: environment.merge(keys_in_environment, local? ? of_machine : {}))
  end

  private

  def local? = @against == :local

  def one_in(number) = @dice.rand(number).zero?

  def pick(list) = list[@dice.rand(list.size)]

  def weighted(weights) = pick(weights.flat_map { |thing, weight| [thing] * weight })

  # Both files, as text.
  def files
    sections = { config: {}, credentials: {} }
    PROFILES.each do |name|
      next if one_in(6)

      home = one_in(4) ? :credentials : :config
      sections[home][name] = profile(name)
      sections[:credentials][name] ||= keys if one_in(8)
    end
    config = sections[:config].transform_keys { |name| name == 'default' && !one_in(3) ? name : "profile #{name}" }
    config['sso-session legion'] = SSO
    [written(config), written(sections[:credentials])]
  end

  # The lines of one profile, as a Hash.
  def profile(name)
    kinds = local? ? KINDS : KINDS.except(*ONLY_LOCAL)
    kind = weighted(kinds)
    lines = kind == :mixture ? profile(name).merge(profile(name)) : send(kind, name)
    lines.delete('duration_seconds') if lines.key?('web_identity_token_file')
    lines['region'] = 'eu-west-1' if one_in(4)
    spoil(lines) if one_in(12)
    lines
  end

  def keys(_name = nil)
    user = pick(%w[anna carol])
    { 'aws_access_key_id' => "{#{user}.id}", 'aws_secret_access_key' => "{#{user}.secret}" }
  end

  def role(name)
    { **role_alone, 'source_profile' => pick([*PROFILES, 'base', 'base', name]) }
  end

  def named_source(_name)
    { **role_alone, 'credential_source' => pick(local? ? %w[Environment EcsContainer Ec2InstanceMetadata] : %w[Environment]) }
  end

  def role_alone
    lines = { 'role_arn' => pick(local? ? ROLES + ROLES + CLOSED_ROLES : ROLES) }
    lines['role_session_name'] = pick(%w[nightly a.b@c =,+]) if one_in(2)
    lines['external_id'] = pick(%w[legion-7f3a:partner/42 other]) if one_in(4)
    # moto would give what STS never does: more than an hour to a chained role.
    lines['duration_seconds'] = pick(local? ? %w[900 3600 7200] : %w[900 3600]) if one_in(4)
    lines['mfa_serial'] = '{mfa}' if local? && one_in(12)
    lines
  end

  def process(_name)
    { 'credential_process' => pick(['cat {home}/keys.json', '/bin/cat "{home}/others.json"', "sh -c 'cat {home}/keys.json'", 'false', 'echo no']) }
  end

  def settings(_name) = { 'output' => 'json' }

  def web_identity(_name)
    { 'role_arn' => pick(['{role}/irsa-app', *ROLES]), 'web_identity_token_file' => "{home}/#{one_in(8) ? 'nowhere' : 'token'}",
      **(one_in(2) ? { 'role_session_name' => 'app' } : {}) }
  end

  def sso(_name)
    { 'sso_account_id' => '123456789012', 'sso_role_name' => one_in(6) ? 'Unassigned' : 'Developer', 'sso_session' => 'legion' }
  end

  # Common mistakes. Each is refused by every implementation that reads that part.
  def spoil(lines)
    case @dice.rand(local? ? 6 : 5) # moto takes any session name
    when 0 then lines['source_profile'] = 'nowhere'
    when 1 then lines['credential_source'] = 'environment'
    when 2 then lines.delete('aws_secret_access_key')
    when 3 then lines['aws_secret_access_key'] = '{carol.secret}' if lines.key?('aws_access_key_id')
    when 4 then lines.delete('role_arn')
    when 5 then lines['role_session_name'] = 'a/b'
    end
  end

  def written(sections)
    style = weighted(STYLES)
    text = sections.to_a.shuffle(random: @dice).map { |header, lines| section(header, lines, style) }.join
    text += pick(["garbage\n", "[x]\n[x]\n", "[x\n"]) if one_in(40)
    style == :windows ? text.gsub("\n", "\r\n") : text
  end

  def section(header, lines, style)
    lines = lines.to_a.shuffle(random: @dice).map { |key, value| line(key, value, style) }
    lines = lines.flat_map { |line| ["# aws_access_key_id = old\n", line, "\n"] } if style == :comments
    "[#{header}]\n#{lines.join}"
  end

  def line(key, value, style)
    case style
    when :colons then "#{key}: #{value}\n"
    when :indented then "   #{key} = #{value}\n"
    when :capitals then "#{key.upcase}=#{value}\n"
    when :wide then "#{key}   =\t#{value}  \n"
    else "#{key} = #{value}\n"
    end
  end

  # As an option, and what of it stands in the environment.
  def chosen_profile
    name = one_in(15) ? 'nowhere' : pick(PROFILES)
    case @dice.rand(8)
    when 0..3 then [name, {}]
    # [default] may be missing for us, and for boto3 not if it is named.
    when 4..5 then [nil, name == 'default' ? {} : { 'AWS_PROFILE' => name }]
    when 6    then [nil, name == 'default' ? {} : { 'AWS_DEFAULT_PROFILE' => name }]
    else           [nil, {}]
    end
  end

  def keys_in_environment
    return {} unless one_in(4)

    owner = pick(%w[anna carol])
    { 'AWS_ACCESS_KEY_ID' => "{#{owner}.id}", 'AWS_SECRET_ACCESS_KEY' => "{#{one_in(8) ? 'anna' : owner}.secret}" }
  end

  def of_machine
    environment = {}
    if one_in(4)
      environment.update('AWS_ROLE_ARN' => '{role}/irsa-app', 'AWS_WEB_IDENTITY_TOKEN_FILE' => "{home}/#{one_in(6) ? 'nowhere' : 'token'}")
      environment['AWS_ROLE_SESSION_NAME'] = 'pod' if one_in(2)
    end
    if one_in(4)
      environment.update('AWS_CONTAINER_CREDENTIALS_FULL_URI' => '{local}/ecs/credentials',
                         'AWS_CONTAINER_AUTHORIZATION_TOKEN'  => 'ecs-authorization-token-of-the-local-AWS')
    end
    environment['AWS_EC2_METADATA_DISABLED'] = nil if one_in(4)
    environment
  end
end
