# frozen_string_literal: true

# credential_process.

keys = { 'keys.json' => '{anna.json}' }

Configuration.write 'a process',
                    who: 'user/anna', files: keys, config: "[default]\ncredential_process = cat {home}/keys.json\n"

Configuration.write 'a process in the credentials file',
                    who: 'user/anna', files: keys, credentials: "[default]\ncredential_process = cat {home}/keys.json\n"

Configuration.write 'a process that gives temporary keys',
                    against: :local, who: 'assumed-role/builder/temporary', files: { 'keys.json' => '{temporary.json}' },
                    profile: 'p', config: "[profile p]\ncredential_process = cat {home}/keys.json\n"

Configuration.write 'a process whose path and argument are quoted',
                    who: 'user/anna', files: { 'my keys/it is.json' => '{anna.json}' },
                    config: "[default]\ncredential_process = \"/bin/cat\" '{home}/my keys/it is.json'\n"

Configuration.write 'a process with what would be a comment elsewhere',
                    others: { ruby: nil },
                    because: 'The Ruby SDKs cut the command where a comment would begin.',
                    who: 'user/anna', files: keys, config: "[default]\ncredential_process = sh -c 'cat {home}/keys.json ; exit 0 # done'\n"

Configuration.write 'a process that writes to its error output too',
                    who: 'user/anna', files: keys, config: "[default]\ncredential_process = sh -c 'echo noise >&2; cat {home}/keys.json'\n"

Configuration.write 'a process that would need a shell',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs give the command to a shell.',
                    who: nil, files: keys, config: "[default]\ncredential_process = cat {home}/nowhere.json || cat {home}/keys.json\n"

Configuration.write 'a process that fails',
                    who: nil, files: keys, config: "[default]\ncredential_process = sh -c 'cat {home}/keys.json; exit 3'\n"

Configuration.write 'a process that does not exist',
                    who: nil, config: "[default]\ncredential_process = {home}/nowhere\n"

Configuration.write 'a process that prints no JSON',
                    who: nil, config: "[default]\ncredential_process = echo hello\n"

Configuration.write 'a process of another version',
                    who: nil, files: { 'keys.json' => '{"Version":2,"AccessKeyId":"{anna.id}","SecretAccessKey":"{anna.secret}"}' },
                    config: "[default]\ncredential_process = cat {home}/keys.json\n"

Configuration.write 'a process without a secret',
                    who: nil, files: { 'keys.json' => '{"Version":1,"AccessKeyId":"{anna.id}"}' },
                    config: "[default]\ncredential_process = cat {home}/keys.json\n"

Configuration.write 'a process whose keys have expired',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs use them, and here the keys are good in truth.',
                    who: nil, config: "[default]\ncredential_process = cat {home}/keys.json\n",
                    files: { 'keys.json' => '{"Version":1,"AccessKeyId":"{anna.id}","SecretAccessKey":"{anna.secret}","Expiration":"2020-01-01T00:00:00Z"}' }

Configuration.write 'a process whose keys expire one day',
                    who: 'user/anna', config: "[default]\ncredential_process = cat {home}/keys.json\n",
                    files: { 'keys.json' => '{"Version":1,"AccessKeyId":"{anna.id}","SecretAccessKey":"{anna.secret}","Expiration":"2199-01-01T00:00:00Z"}' }

Configuration.write 'a process, and keys in the credentials file',
                    who: 'user/platform/build/carol', files: keys, config: "[default]\ncredential_process = cat {home}/keys.json\n",
                    credentials: "[default]\n{carol}\n"

Configuration.write 'a process, and keys in the config file',
                    others: { ruby: 'user/platform/build/carol' },
                    because: 'To the Ruby SDKs keys of either file come before a process.',
                    who: 'user/anna', files: keys, config: "[default]\ncredential_process = cat {home}/keys.json\n{carol}\n"

Configuration.write 'a process, and a secret key alone',
                    others: { boto3: 'user/anna', ruby: 'user/anna' },
                    because: 'They look at the key id only; to us half a pair is a mistake.',
                    who: nil, files: keys, credentials: "[default]\naws_secret_access_key = {carol.secret}\n",
                    config: "[default]\ncredential_process = cat {home}/keys.json\n"

Configuration.write 'a process as the source of a role',
                    who: 'assumed-role/builder/*', profile: 'a', files: keys, config: <<~INI
                      [profile a]
                      role_arn = {role.builder}
                      source_profile = p
                      [profile p]
                      credential_process = cat {home}/keys.json
                    INI

Configuration.write 'a process, and keys in the environment',
                    who: 'user/platform/build/carol', files: keys, config: "[default]\ncredential_process = cat {home}/keys.json\n",
                    environment: Configuration.keys_of('carol')

Configuration.write 'an empty credential_process',
                    who: nil, config: "[default]\ncredential_process =\n"
