# frozen_string_literal: true

# Which profile it is, and which files.

two = "[default]\n{anna}\n[other]\n{carol}\n"

Configuration.write 'a profile by AWS_PROFILE',
                    who: 'user/platform/build/carol', credentials: two, environment: { 'AWS_PROFILE' => 'other' }

Configuration.write 'a profile by AWS_DEFAULT_PROFILE',
                    who: 'user/platform/build/carol', credentials: two, environment: { 'AWS_DEFAULT_PROFILE' => 'other' }

Configuration.write 'AWS_PROFILE and AWS_DEFAULT_PROFILE',
                    others: { boto3: 'user/anna' },
                    because: 'boto3 looks at AWS_DEFAULT_PROFILE first.',
                    who: 'user/platform/build/carol', credentials: two, environment: { 'AWS_PROFILE' => 'other', 'AWS_DEFAULT_PROFILE' => 'default' }

Configuration.write 'a profile by option',
                    who: 'user/platform/build/carol', credentials: two, profile: 'other'

Configuration.write 'a profile by option and another by AWS_PROFILE',
                    who: 'user/platform/build/carol', credentials: two, profile: 'other', environment: { 'AWS_PROFILE' => 'default' }

Configuration.write 'a profile by option, another by AWS_PROFILE that does not exist',
                    who: 'user/platform/build/carol', credentials: two, profile: 'other', environment: { 'AWS_PROFILE' => 'nowhere' }

Configuration.write 'a blank AWS_PROFILE',
                    others: { boto3: nil, ruby: nil },
                    because: 'To us what is blank is not there.',
                    who: 'user/anna', credentials: two, environment: { 'AWS_PROFILE' => '' }

Configuration.write 'a profile by option that does not exist',
                    who: nil, credentials: two, profile: 'nowhere'

Configuration.write 'AWS_PROFILE names a profile that does not exist',
                    who: nil, credentials: two, environment: { 'AWS_PROFILE' => 'nowhere' }

Configuration.write 'AWS_PROFILE names a profile that does not exist, and there are keys in the environment',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs do not look at the profile then.',
                    who: nil, credentials: two,
                    environment: { 'AWS_PROFILE' => 'nowhere', **Configuration.keys_of('anna') }

Configuration.write 'AWS_PROFILE is default, there is none, and there are keys in the environment',
                    others: { boto3: nil },
                    because: '[default] need not exist for us, not even where AWS_PROFILE names it.',
                    who: 'user/anna', environment: { 'AWS_PROFILE' => 'default', **Configuration.keys_of('anna') }

Configuration.write 'keys in the environment and keys of [default]',
                    who: 'user/anna', credentials: "[default]\n{carol}\n",
                    environment: Configuration.keys_of('anna')

Configuration.write 'keys in the environment and AWS_PROFILE',
                    who: 'user/anna', credentials: two,
                    environment: { 'AWS_PROFILE' => 'other', **Configuration.keys_of('anna') }

Configuration.write 'keys in the environment and a profile by option',
                    who: 'user/platform/build/carol', credentials: two, profile: 'other',
                    environment: Configuration.keys_of('anna')

Configuration.write 'a profile by AWS_PROFILE with settings only, and keys in the environment',
                    who: 'user/anna', config: "[profile settings]\nregion = us-east-1\n",
                    environment: { 'AWS_PROFILE' => 'settings', **Configuration.keys_of('anna') }

Configuration.write 'a profile by option with settings only, and keys in the environment',
                    others: { ruby: 'user/anna' },
                    because: 'The Ruby SDKs go on to the next source.',
                    who: nil, config: "[profile settings]\nregion = us-east-1\n", profile: 'settings',
                    environment: Configuration.keys_of('anna')

Configuration.write 'both files elsewhere',
                    who: 'user/platform/build/carol', files: { 'a/c' => "[default]\nregion = us-east-1\n", 'a/k' => "[default]\n{carol}\n" },
                    credentials: "[default]\n{anna}\n", environment: { 'AWS_CONFIG_FILE' => '{home}/a/c', 'AWS_SHARED_CREDENTIALS_FILE' => '{home}/a/k' }

Configuration.write 'a credentials file named with a tilde',
                    others: { ruby: nil },
                    because: 'The Ruby SDKs leave it to the shell.',
                    who: 'user/anna', files: { 'k' => "[default]\n{anna}\n" }, environment: { 'AWS_SHARED_CREDENTIALS_FILE' => '~/k' }

Configuration.write 'a credentials file named with a variable',
                    others: { ruby: nil },
                    because: 'The Ruby SDKs leave it to the shell.',
                    who: 'user/anna', files: { 'k' => "[default]\n{anna}\n" }, environment: { 'AWS_SHARED_CREDENTIALS_FILE' => '$HOME/k' }

Configuration.write 'a credentials file that is not there, and the usual one',
                    who: nil, credentials: "[default]\n{anna}\n", environment: { 'AWS_SHARED_CREDENTIALS_FILE' => '{home}/nowhere' }

Configuration.write 'a config file that is /dev/null, and a credentials file',
                    who: 'user/anna', credentials: "[default]\n{anna}\n", environment: { 'AWS_CONFIG_FILE' => '/dev/null' }
