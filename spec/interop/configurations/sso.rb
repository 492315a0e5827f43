# frozen_string_literal: true

require 'digest'

# IAM Identity Center, with the token that `aws sso login` leaves behind.

url = 'https://legion.awsapps.com/start'
token = lambda do |name, **fields|
  text = { startUrl: url, region: 'us-east-1', accessToken: 'sso-access-token-of-the-local-AWS', expiresAt: '2199-01-01T00:00:00Z' }.merge(fields)
  { ".aws/sso/cache/#{Digest::SHA1.hexdigest(name)}.json" => JSON.generate(text) }
end
dana = 'assumed-role/AWSReservedSSO_Developer_0123456789abcdef/dana@example.com'
session = <<~INI
  [profile dev]
  sso_session = legion
  sso_account_id = 123456789012
  sso_role_name = Developer
  [sso-session legion]
  sso_start_url = #{url}
  sso_region = us-east-1
  sso_registration_scopes = sso:account:access
INI
older = <<~INI
  [profile dev]
  sso_start_url = #{url}
  sso_region = us-east-1
  sso_account_id = 123456789012
  sso_role_name = Developer
INI

Configuration.write 'an sso_session, logged in', against: :local, who: dana, profile: 'dev', config: session, files: token['legion']

Configuration.write 'an sso_session by AWS_PROFILE',
                    against: :local, who: dana, environment: { 'AWS_PROFILE' => 'dev' }, config: session, files: token['legion']

Configuration.write 'SSO without an sso_session, logged in', against: :local, who: dana, profile: 'dev', config: older, files: token[url]

Configuration.write 'an sso_session without a login', against: :local, who: nil, profile: 'dev', config: session

Configuration.write 'an sso_session, its token refused',
                    against: :local, who: nil, profile: 'dev', config: session, files: token['legion', accessToken: 'of another session']

Configuration.write 'SSO without an sso_session, its login expired',
                    against: :local, who: nil, profile: 'dev', config: older, files: token[url, expiresAt: '2020-01-01T00:00:00Z']

Configuration.write 'an sso_session whose token cannot be renewed',
                    against: :local, who: nil, profile: 'dev', config: session, files: token['legion', expiresAt: '2020-01-01T00:00:00Z']

Configuration.write 'an sso_session whose section is missing',
                    against: :local, who: nil, profile: 'dev', config: session.sub('[sso-session legion]', '[sso-session other]'), files: token['legion']

Configuration.write 'an sso_session whose profile names another region',
                    against: :local, who: nil, profile: 'dev', files: token['legion'],
                    config: session.sub('sso_role_name', "sso_region = eu-west-1\nsso_role_name")

Configuration.write 'SSO without a role name', against: :local, who: nil, profile: 'dev', config: older.sub(/^sso_role_name.*\n/, ''), files: token[url]

Configuration.write 'SSO, and keys in the credentials file',
                    against: :local, who: dana, profile: 'dev', config: session, files: token['legion'], credentials: "[dev]\n{anna}\n"

Configuration.write 'SSO as the source of a role',
                    against: :local, who: 'assumed-role/builder/*', profile: 'a', files: token['legion'],
                    config: "#{session}[profile a]\nrole_arn = {role.builder}\nsource_profile = dev\n"

Configuration.write 'SSO, and keys in the environment',
                    against: :local, who: 'user/anna', config: session, files: token['legion'],
                    environment: { 'AWS_PROFILE' => 'dev', **Configuration.keys_of('anna') }

Configuration.write 'SSO whose section is missing, and keys in the environment',
                    others: { boto3: nil, ruby: nil },
                    because: 'They read the login of the profile although nothing is to come of it.',
                    against: :local, who: 'user/anna', config: session.sub('[sso-session legion]', '[sso-session other]'),
                    environment: { 'AWS_PROFILE' => 'dev', **Configuration.keys_of('anna') }
