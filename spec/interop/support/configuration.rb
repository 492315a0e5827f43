# frozen_string_literal: true

# Profile files and an environment, and who that makes us.
#
# Words in braces are filled in by the InteropEnvironment: {anna} a key pair, {anna.id}, {anna.json}, {role.builder}, {home}, {token}…
# A principal is written without its account, a session name that was made up as a star: `assumed-role/builder/*`.
class Configuration
  # Names the SDKs and we give a session without a given name.
  MADE_UP = %r{(?<=/)(?:lex-identity-aws-[^/]*|botocore-session-\d+|default_session|[A-Za-z0-9_=-]{36,64})\z}

  # @return [Array<Configuration>] in the order they were written
  def self.all = @all ||= []

  # Writes one down; see {#initialize}.
  def self.write(name, **fields)
    raise ArgumentError, "#{name} is there twice" if all.any? { |other| other.name == name }

    all << new(name, **fields)
  end

  # A key pair as the environment has it.
  def self.keys_of(user) = { 'AWS_ACCESS_KEY_ID' => "{#{user}.id}", 'AWS_SECRET_ACCESS_KEY' => "{#{user}.secret}" }

  # @param arn [String]
  # @return [String]
  def self.short(arn)
    arn.delete_prefix("arn:aws:iam::#{InteropEnvironment::ACCOUNT}:").delete_prefix("arn:aws:sts::#{InteropEnvironment::ACCOUNT}:").sub(MADE_UP, '*')
  end

  attr_reader :name, :who, :environment, :profile, :with_code, :against, :others, :because

  # @param who [String, nil] the principal; nil: none, we refuse
  # @param config [String, nil] ~/.aws/config
  # @param credentials [String, nil] ~/.aws/credentials
  # @param files [Hash{String => String}] more files below the home
  # @param environment [Hash{String => String, nil}] on top of what every configuration has
  # @param profile [String, nil] as an option
  # @param with_code [Boolean] whether the MFA prompt gets a code
  # @param against [Symbol] :moto, or :local for what moto does not do
  # @param others [Hash{Symbol => String, nil}] who says something else, and what: boto3, ruby (both) or ruby_old, ruby_new
  # @param because [String, nil] why they do
  def initialize(name, who:, config: nil, credentials: nil, files: {}, environment: {}, profile: nil, with_code: false, # rubocop:disable Metrics/ParameterLists
                 against: :moto, others: {}, because: nil)
    raise ArgumentError, "#{name}: say why" if others.any? != !because.nil?

    @name = name
    @who = who
    @config = config
    @credentials = credentials
    @files = files
    @environment = environment
    @profile = profile
    @with_code = with_code
    @against = against
    @others = others
    @because = because
  end

  def all_files
    { '.aws/config' => @config, '.aws/credentials' => @credentials }.compact.merge(@files)
  end

  # What `judge` should say.
  def expected_of(judge)
    keys = [judge, (:ruby if judge.start_with?('ruby'))].compact
    key = keys.find { |name| others.key?(name) }
    key ? others.fetch(key) : who
  end

  # For a message: what it is, ready to be read.
  def to_s
    files = { '~/.aws/config' => @config, '~/.aws/credentials' => @credentials }.compact.map { |path, text| "--- #{path}\n#{text}" }
    [name, *("profile: #{profile}" if profile), "environment: #{environment}", *files].join("\n")
  end
end
