# frozen_string_literal: true

require 'fileutils'
require 'open3'
require 'support/environment'
require 'support/local_aws'
require 'support/moto'
require 'tmpdir'

# The same users and roles in two places: moto, an independent implementation that checks signatures, and the local AWS for what moto
# does not do (web identity while it checks, external ids, MFA, limits, SSO, containers, IMDS).
class InteropEnvironment
  ACCOUNT = '123456789012'
  USERS = { 'anna' => '/', 'carol' => '/platform/build/' }.freeze
  ROLES = { 'builder' => '/team/', 'deployer' => '/', 'auditor' => '/' }.freeze
  MFA = "arn:aws:iam::#{ACCOUNT}:mfa/anna".freeze
  # Of the local AWS's standard world.
  TOKEN = 'eyJhbGciOiJSUzI1NiJ9.bG9jYWwtYXdzLXdlYi1pZGVudGl0eQ.c2lnbmVkLWJ5LW5vYm9keQ'

  attr_reader :local, :moto, :values

  def initialize
    @moto = Moto.start
    @local = LocalAws.start
    @folder = Dir.mktmpdir('interop')
    keys = moto.without_checks { make_users }
    local.world(users: users(keys), roles: roles, web_identity_tokens: { TOKEN => { roles: ["arn:aws:iam::#{ACCOUNT}:role/*"] } })
    @values = values_for(keys)
    @count = 0
  end

  # Writes the files of a configuration into a home of its own; gives the environment to ask in.
  def prepare(configuration)
    home = File.join(@folder, (@count += 1).to_s)
    fill = ->(text) { filled(text, home) }
    configuration.all_files.each do |path, text|
      file = File.join(home, path)
      FileUtils.mkdir_p(File.dirname(file))
      File.binwrite(file, fill.call(text))
    end
    FileUtils.mkdir_p(home)
    environment(configuration.against, home).merge(configuration.environment.transform_values { |value| value && fill.call(value) }).compact
  end

  def stop
    [moto, local].each(&:stop)
    FileUtils.rm_rf(@folder)
  end

  private

  def environment(place, home)
    address = place == :moto ? moto.endpoint : local.http
    { 'HOME' => home, 'PATH' => ENV.fetch('PATH'), 'AWS_ENDPOINT_URL' => address, 'AWS_MAX_ATTEMPTS' => '1',
      'AWS_REGION' => 'us-east-1', 'AWS_DEFAULT_REGION' => 'us-east-1', # boto3 knows no AWS_REGION
      'AWS_EC2_METADATA_SERVICE_ENDPOINT' => local.http, 'AWS_EC2_METADATA_DISABLED' => 'true' }
  end

  def make_users
    out, error, status = Open3.capture3(File.join(Moto::FOLDER, 'python'), File.join(__dir__, 'moto_users.py'), moto.endpoint,
                                        JSON.generate(USERS), JSON.generate(ROLES))
    status.success? ? JSON.parse(out) : raise("moto_users.py failed: #{error}")
  end

  def users(keys)
    USERS.to_h do |name, path|
      fields = { access_key_id: keys[name]['id'], secret_access_key: keys[name]['secret'] }
      fields[:mfa] = { MFA => (1..9).map { |digit| digit.to_s * 6 } } if name == 'anna'
      ["arn:aws:iam::#{ACCOUNT}:user#{path}#{name}", fields]
    end
  end

  def roles
    ROLES.to_h { |name, path| ["arn:aws:iam::#{ACCOUNT}:role#{path}#{name}", {}] }
         .merge("arn:aws:iam::#{ACCOUNT}:role/team/builder" => { max_session_duration: 43_200 })
  end

  # The values for the names in braces in a configuration.
  def values_for(keys)
    temporary = local.issue("arn:aws:iam::#{ACCOUNT}:role/team/builder", session_name: 'temporary', lifetime_seconds: 3600)
    keys['temporary'] = { 'id' => temporary[:access_key_id], 'secret' => temporary[:secret_access_key], 'token' => temporary[:session_token] }
    keys.flat_map { |name, key| values_of(name, key) }.to_h.merge(
      ROLES.to_h { |name, path| ["role.#{name}", "arn:aws:iam::#{ACCOUNT}:role#{path}#{name}"] },
      'role' => "arn:aws:iam::#{ACCOUNT}:role", 'mfa' => MFA, 'token' => TOKEN, 'local' => local.http
    )
  end

  def values_of(name, key)
    token = key['token']
    fields = { Version: 1, AccessKeyId: key['id'], SecretAccessKey: key['secret'], SessionToken: token }.compact
    [[name, ["aws_access_key_id = #{key['id']}", "aws_secret_access_key = #{key['secret']}",
             *("aws_session_token = #{token}" if token)].join("\n")],
     ["#{name}.id", key['id']], ["#{name}.secret", key['secret']], ["#{name}.token", token.to_s], ["#{name}.json", JSON.generate(fields)]]
  end

  def filled(text, home)
    text.gsub(/\{([a-z]+(?:\.[a-z]+)?)\}/) { $1 == 'home' ? home : values.fetch($1) } # rubocop:disable Style/PerlBackrefs
  end
end
