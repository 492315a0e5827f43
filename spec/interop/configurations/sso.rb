# frozen_string_literal: true

require 'digest'

# IAM Identity Center, with the token that `aws sso login` leaves behind.

url = 'https://legion.awsapps.com/start'
token = lambda do |name, **fields|
  text = { startUrl: url, region: 'us-east-1', accessToken: 'sso-access-token-of-the-local-AWS', expiresAt: '2199-01-01T00:00:00Z' }.merge(fields)
  { ".aws/sso/cache/#{Digest::SHA1.hexdigest(name)}.json" => JSON.generate(text) }
end
renewable = { expiresAt: '2020-01-01T00:00:00Z', refreshToken: 'sso-refresh-token-of-the-local-AWS',
              clientId: 'sso-client-of-the-local-AWS', clientSecret: 'sso-client-secret-of-the-local-AWS',
              registrationExpiresAt: '2199-01-01T00:00:00Z' }.freeze
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

Configuration.write 'an sso_session, logged in', on: :local, is: dana, profile: 'dev', config: session, files: token['legion']

Configuration.write 'an sso_session by AWS_PROFILE', on: :local, is: dana, environment: { 'AWS_PROFILE' => 'dev' }, config: session, files: token['legion']

Configuration.write 'SSO without an sso_session, logged in', on: :local, is: dana, profile: 'dev', config: older, files: token[url]

Configuration.write 'an sso_session, nobody logged in', on: :local, is: nil, profile: 'dev', config: session

Configuration.write 'an sso_session, its token refused',
                    on: :local, is: nil, profile: 'dev', config: session, files: token['legion', accessToken: 'of somebody else']

Configuration.write 'SSO without an sso_session, its login ended',
                    on: :local, is: nil, profile: 'dev', config: older, files: token[url, expiresAt: '2020-01-01T00:00:00Z']

Configuration.write 'an sso_session whose token cannot be renewed',
                    on: :local, is: nil, profile: 'dev', config: session, files: token['legion', expiresAt: '2020-01-01T00:00:00Z']

Configuration.write 'an sso_session whose section is missing',
                    on: :local, is: nil, profile: 'dev', config: session.sub('[sso-session legion]', '[sso-session other]'), files: token['legion']

Configuration.write 'an sso_session whose profile names another region',
                    on: :local, is: nil, profile: 'dev', config: session.sub('sso_role_name', "sso_region = eu-west-1\nsso_role_name"), files: token['legion']

Configuration.write 'SSO without a role name', on: :local, is: nil, profile: 'dev', config: older.sub(/^sso_role_name.*\n/, ''), files: token[url]

Configuration.write 'SSO, and keys in the credentials file',
                    on: :local, is: dana, profile: 'dev', config: session, files: token['legion'], credentials: "[dev]\n{anna}\n"

Configuration.write 'SSO as the source of a role',
                    on: :local, is: 'assumed-role/builder/*', profile: 'a', files: token['legion'],
                    config: "#{session}[profile a]\nrole_arn = {role.builder}\nsource_profile = dev\n"

Configuration.write 'SSO, and keys in the environment',
                    on: :local, is: 'user/anna', config: session, files: token['legion'],
                    environment: { 'AWS_PROFILE' => 'dev', 'AWS_ACCESS_KEY_ID' => '{anna.id}', 'AWS_SECRET_ACCESS_KEY' => '{anna.secret}' }

Configuration.write 'SSO whose section is missing, and keys in the environment',
                    others: { boto3: nil, ruby: nil },
                    because: 'They read the login of the profile although nothing is to come of it.',
                    on: :local, is: 'user/anna', config: session.sub('[sso-session legion]', '[sso-session other]'),
                    environment: { 'AWS_PROFILE' => 'dev', 'AWS_ACCESS_KEY_ID' => '{anna.id}', 'AWS_SECRET_ACCESS_KEY' => '{anna.secret}' }
