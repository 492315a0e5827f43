# frozen_string_literal: true

# Keys written down: in the files, in the environment.

Configuration.write 'keys of [default] in the credentials file',
                    who: 'user/anna', credentials: "[default]\n{anna}\n"

Configuration.write 'keys of [default] in the config file',
                    who: 'user/anna', config: "[default]\n{anna}\n"

Configuration.write 'keys in both files, for two users',
                    who: 'user/platform/build/carol', config: "[default]\n{anna}\n", credentials: "[default]\n{carol}\n"

Configuration.write 'half a pair in the credentials file, the whole one in the config file',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs go on to the next file.',
                    who: nil, config: "[default]\n{anna}\n", credentials: "[default]\naws_access_key_id = {carol.id}\n"

Configuration.write 'a pair of which each file has one half',
                    who: nil, config: "[default]\naws_secret_access_key = {anna.secret}\n", credentials: "[default]\naws_access_key_id = {anna.id}\n"

Configuration.write 'half a pair in the config file',
                    who: nil, config: "[default]\naws_access_key_id = {anna.id}\n"

Configuration.write 'a secret key alone, in the profile of an option',
                    who: nil, profile: 'half', config: "[profile half]\naws_secret_access_key = {anna.secret}\n"

Configuration.write 'temporary keys with aws_session_token',
                    against: :local, who: 'assumed-role/builder/temporary', credentials: "[default]\n{temporary}\n"

Configuration.write 'temporary keys with aws_security_token, the name of long ago',
                    others: { ruby: nil },
                    because: 'The Ruby SDKs know aws_session_token only.',
                    against: :local, who: 'assumed-role/builder/temporary', credentials: <<~INI
                      [default]
                      aws_access_key_id = {temporary.id}
                      aws_secret_access_key = {temporary.secret}
                      aws_security_token = {temporary.token}
                    INI

Configuration.write 'temporary keys without their token',
                    against: :local, who: nil, credentials: <<~INI
                      [default]
                      aws_access_key_id = {temporary.id}
                      aws_secret_access_key = {temporary.secret}
                    INI

Configuration.write 'keys with another secret: signatures are checked',
                    who: nil, credentials: "[default]\naws_access_key_id = {anna.id}\naws_secret_access_key = {carol.secret}\n"

Configuration.write 'keys that AWS does not know',
                    who: nil, credentials: "[default]\naws_access_key_id = AKIAUNKNOWNUNKNOWNUN\naws_secret_access_key = {carol.secret}\n"

Configuration.write 'keys of another partition, with its region',
                    against: :local, who: 'arn:aws-cn:iam::111122223333:user/demo-cn', environment: { 'AWS_REGION' => nil, 'AWS_DEFAULT_REGION' => nil },
                    credentials: <<~CREDENTIALS, config: "[default]\nregion = cn-north-1\n"
                      [default]
                      aws_access_key_id = AKIACHINASERFAKEAWS2
                      aws_secret_access_key = china+secret/of/the/local/AWS+not/a/key0
                    CREDENTIALS

Configuration.write 'keys in the environment',
                    who: 'user/anna', environment: Configuration.keys_of('anna')

Configuration.write 'temporary keys in the environment',
                    against: :local, who: 'assumed-role/builder/temporary',
                    environment: { 'AWS_ACCESS_KEY_ID' => '{temporary.id}', 'AWS_SECRET_ACCESS_KEY' => '{temporary.secret}',
                                   'AWS_SESSION_TOKEN' => '{temporary.token}' }

Configuration.write 'blank keys in the environment, and a profile',
                    who: 'user/anna', environment: { 'AWS_ACCESS_KEY_ID' => '', 'AWS_SECRET_ACCESS_KEY' => '' }, credentials: "[default]\n{anna}\n"

Configuration.write 'a key id alone in the environment, and a profile',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs go on to the next source.',
                    who: nil, environment: { 'AWS_ACCESS_KEY_ID' => '{carol.id}' }, credentials: "[default]\n{anna}\n"

Configuration.write 'a secret key alone in the environment, and a profile',
                    others: { boto3: 'user/anna', ruby: 'user/anna' },
                    because: 'They look at the key id only and go on to the next source; to us half a pair is a mistake.',
                    who: nil, environment: { 'AWS_SECRET_ACCESS_KEY' => '{carol.secret}' }, credentials: "[default]\n{anna}\n"

Configuration.write 'a session token alone in the environment, and a profile',
                    who: 'user/anna', environment: { 'AWS_SESSION_TOKEN' => 'of something else' }, credentials: "[default]\n{anna}\n"

Configuration.write 'nothing at all',
                    who: nil
