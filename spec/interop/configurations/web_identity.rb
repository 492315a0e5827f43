# frozen_string_literal: true

# AssumeRoleWithWebIdentity: nothing signs it, so that moto refuses it while it checks signatures.

token = { 'token' => '{token}' }

Configuration.write 'a web identity token in a profile',
                    against: :local, who: 'assumed-role/irsa-app/app', profile: 'w', files: token, config: <<~INI
                      [profile w]
                      role_arn = {role}/irsa-app
                      web_identity_token_file = {home}/token
                      role_session_name = app
                    INI

Configuration.write 'a web identity token in [default], its session unnamed',
                    against: :local, who: 'assumed-role/irsa-app/*', files: token,
                    config: "[default]\nrole_arn = {role}/irsa-app\nweb_identity_token_file = {home}/token\n"

Configuration.write 'a web identity token with a line end',
                    others: { boto3: nil, ruby: nil },
                    because: 'They send the line end as a part of the token; we trim it.',
                    against: :local, who: 'assumed-role/irsa-app/*', files: { 'token' => "{token}\n" },
                    config: "[default]\nrole_arn = {role}/irsa-app\nweb_identity_token_file = {home}/token\n"

Configuration.write 'a web identity token that is not there',
                    against: :local, who: nil, config: "[default]\nrole_arn = {role}/irsa-app\nweb_identity_token_file = {home}/token\n"

Configuration.write 'a web identity token of an unknown issuer',
                    against: :local, who: nil, files: { 'token' => 'header.claims.signature' },
                    config: "[default]\nrole_arn = {role}/irsa-app\nweb_identity_token_file = {home}/token\n"

Configuration.write 'a web identity token without a role',
                    against: :local, who: nil, files: token, config: "[default]\nweb_identity_token_file = {home}/token\n"

Configuration.write 'a web identity token, and a source_profile beside it',
                    against: :local, who: 'assumed-role/irsa-app/*', profile: 'w', files: token, credentials: "[base]\n{anna}\n", config: <<~INI
                      [profile w]
                      role_arn = {role}/irsa-app
                      web_identity_token_file = {home}/token
                      source_profile = base
                    INI

Configuration.write 'a web identity token, and keys beside it',
                    against: :local, who: 'assumed-role/irsa-app/*', profile: 'w', files: token,
                    config: "[profile w]\nrole_arn = {role}/irsa-app\nweb_identity_token_file = {home}/token\n{anna}\n"

Configuration.write 'a web identity token, and more time than the role allows',
                    others: { boto3: 'assumed-role/deployer/*', ruby: 'assumed-role/deployer/*' },
                    because: 'They leave duration_seconds out where there is a token; we send it.',
                    against: :local, who: nil, profile: 'w', files: token, config: <<~INI
                      [profile w]
                      role_arn = {role.deployer}
                      web_identity_token_file = {home}/token
                      duration_seconds = 7200
                    INI

Configuration.write 'a web identity as the source of a role',
                    against: :local, who: 'assumed-role/builder/*', profile: 'a', files: token, config: <<~INI
                      [profile a]
                      role_arn = {role.builder}
                      source_profile = w
                      [profile w]
                      role_arn = {role}/irsa-app
                      web_identity_token_file = {home}/token
                    INI

irsa = { 'AWS_ROLE_ARN' => '{role}/irsa-app', 'AWS_WEB_IDENTITY_TOKEN_FILE' => '{home}/token', 'AWS_ROLE_SESSION_NAME' => 'pod' }.freeze

Configuration.write 'a web identity token in the environment',
                    against: :local, who: 'assumed-role/irsa-app/pod', files: token, environment: irsa

Configuration.write 'a web identity token in the environment, its session unnamed',
                    against: :local, who: 'assumed-role/irsa-app/*', files: token, environment: irsa.merge('AWS_ROLE_SESSION_NAME' => nil)

Configuration.write 'a web identity token in the environment that is not there',
                    against: :local, who: nil, environment: irsa

Configuration.write 'a web identity token in the environment, and keys there',
                    against: :local, who: 'user/anna', files: token,
                    environment: irsa.merge(Configuration.keys_of('anna'))

Configuration.write 'a web identity token in the environment, and keys of [default]',
                    others: { boto3: 'assumed-role/irsa-app/pod', ruby: 'assumed-role/irsa-app/pod' },
                    because: 'To us the files come before the web identity of the environment, as in the AWS SDK for Rust.',
                    against: :local, who: 'user/anna', files: token, environment: irsa, credentials: "[default]\n{anna}\n"

Configuration.write 'a web identity token in the environment, and a role of [default]',
                    others: { ruby: 'assumed-role/irsa-app/pod' },
                    because: 'To us the files come before the web identity of the environment, as in the AWS SDK for Rust.',
                    against: :local, who: 'assumed-role/builder/*', files: token, environment: irsa, credentials: "[base]\n{anna}\n",
                    config: "[default]\nrole_arn = {role.builder}\nsource_profile = base\n"

Configuration.write 'a web identity token in the environment, and a profile with settings only',
                    against: :local, who: 'assumed-role/irsa-app/pod', files: token, environment: irsa.merge('AWS_PROFILE' => 'settings'),
                    config: "[profile settings]\nregion = us-east-1\n"

Configuration.write 'a web identity token in the environment, and a profile by option',
                    against: :local, who: 'user/anna', profile: 'base', files: token, environment: irsa, credentials: "[base]\n{anna}\n"
