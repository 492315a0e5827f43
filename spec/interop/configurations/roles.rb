# frozen_string_literal: true

# Roles of profiles, and what they are assumed with.

base = "[base]\n{anna}\n"

Configuration.write 'a role with a source_profile',
                    who: 'assumed-role/builder/*', profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = base\n"

Configuration.write 'a role with a source_profile and a name for its sessions',
                    who: 'assumed-role/builder/nightly', profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = base\nrole_session_name = nightly\n"

Configuration.write 'a role by AWS_PROFILE',
                    who: 'assumed-role/builder/nightly', credentials: base, environment: { 'AWS_PROFILE' => 'a' },
                    config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = base\nrole_session_name = nightly\n"

Configuration.write 'a role of [default]',
                    who: 'assumed-role/builder/nightly', credentials: base,
                    config: "[default]\nrole_arn = {role.builder}\nsource_profile = base\nrole_session_name = nightly\n"

Configuration.write 'a role in the credentials file',
                    who: 'assumed-role/builder/*', profile: 'a', credentials: "#{base}[a]\nrole_arn = {role.builder}\nsource_profile = base\n"

Configuration.write 'a role of which each file has one half',
                    others: { ruby: nil },
                    because: 'The Ruby SDKs want all of a role in one file.',
                    who: 'assumed-role/builder/*', profile: 'a', config: "[profile a]\nsource_profile = base\n",
                    credentials: "#{base}[a]\nrole_arn = {role.builder}\n"

Configuration.write 'a role by AWS_PROFILE, and keys in the environment',
                    who: 'user/platform/build/carol', credentials: base, config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = base\n",
                    environment: { 'AWS_PROFILE' => 'a', **Configuration.keys_of('carol') }

Configuration.write 'two hops',
                    who: 'assumed-role/deployer/second', profile: 'b', credentials: base, config: <<~INI
                      [profile a]
                      role_arn = {role.builder}
                      source_profile = base
                      role_session_name = first
                      [profile b]
                      role_arn = {role.deployer}
                      source_profile = a
                      role_session_name = second
                    INI

Configuration.write 'three hops',
                    who: 'assumed-role/auditor/third', profile: 'c', credentials: base, config: <<~INI
                      [profile c]
                      role_arn = {role.auditor}
                      source_profile = b
                      role_session_name = third
                      [profile b]
                      role_arn = {role.deployer}
                      source_profile = a
                      [profile a]
                      role_arn = {role.builder}
                      source_profile = base
                    INI

Configuration.write 'a profile that is its own source, with keys',
                    who: 'assumed-role/builder/self', profile: 'a',
                    config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = a\nrole_session_name = self\n{anna}\n"

Configuration.write 'a profile that is its own source, without keys',
                    who: nil, profile: 'a', config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = a\n"

Configuration.write 'two profiles that are the source of each other',
                    who: nil, profile: 'a', config: <<~INI
                      [profile a]
                      role_arn = {role.builder}
                      source_profile = b
                      [profile b]
                      role_arn = {role.deployer}
                      source_profile = a
                    INI

Configuration.write 'a source_profile that does not exist',
                    who: nil, profile: 'a', config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = nowhere\n"

Configuration.write 'a source_profile without credentials',
                    who: nil, profile: 'a', config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = b\n[profile b]\nregion = us-east-1\n"

Configuration.write 'a source_profile that has keys and a role: the keys count',
                    who: 'assumed-role/builder/*', profile: 'a', config: <<~INI
                      [profile a]
                      role_arn = {role.builder}
                      source_profile = b
                      [profile b]
                      {anna}
                      role_arn = {role}/no-such-role
                      source_profile = nowhere
                    INI

Configuration.write 'a role, and keys beside it: the role counts',
                    who: 'assumed-role/builder/*', profile: 'a', credentials: "[a]\n{carol}\n[base]\n{anna}\n",
                    config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = base\n"

Configuration.write 'a role with nothing to assume it with',
                    who: nil, profile: 'a', config: "[profile a]\nrole_arn = {role.builder}\n"

Configuration.write 'a role with nothing to assume it with but keys in its own profile',
                    who: nil, profile: 'a', config: "[profile a]\nrole_arn = {role.builder}\n{anna}\n"

Configuration.write 'a role of [default] with nothing to assume it with, and keys in the environment',
                    who: 'user/anna', config: "[default]\nrole_arn = {role.builder}\n",
                    environment: Configuration.keys_of('anna')

Configuration.write 'a source_profile without a role: it is ignored',
                    others: { ruby: nil },
                    because: 'The Ruby SDKs follow a source_profile for itself.',
                    who: 'user/anna', profile: 'a', config: "[profile a]\nsource_profile = nowhere\n{anna}\n"

Configuration.write 'both source_profile and credential_source',
                    who: nil, profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = base\ncredential_source = Environment\n",
                    environment: Configuration.keys_of('anna')

Configuration.write 'credential_source = Environment, in the profile of an option',
                    others: { ruby_old: nil },
                    because: 'aws-sdk-core 3.168 does not know it.',
                    who: 'assumed-role/builder/*', profile: 'a', config: "[profile a]\nrole_arn = {role.builder}\ncredential_source = Environment\n",
                    environment: Configuration.keys_of('anna')

Configuration.write 'credential_source = Environment by AWS_PROFILE: the keys in the environment come first',
                    who: 'user/anna', config: "[profile a]\nrole_arn = {role.builder}\ncredential_source = Environment\n",
                    environment: { 'AWS_PROFILE' => 'a', **Configuration.keys_of('anna') }

Configuration.write 'credential_source = Environment, and nothing there',
                    who: nil, profile: 'a', config: "[profile a]\nrole_arn = {role.builder}\ncredential_source = Environment\n"

Configuration.write 'credential_source = EcsContainer',
                    others: { ruby_old: nil },
                    because: 'There aws-sdk-core 3.168 knows AWS_CONTAINER_CREDENTIALS_RELATIVE_URI only.',
                    against: :local, who: 'assumed-role/builder/*', profile: 'a',
                    config: "[profile a]\nrole_arn = {role.builder}\ncredential_source = EcsContainer\n",
                    environment: { 'AWS_CONTAINER_CREDENTIALS_FULL_URI' => '{local}/ecs/credentials',
                                   'AWS_CONTAINER_AUTHORIZATION_TOKEN'  => 'ecs-authorization-token-of-the-local-AWS' }

Configuration.write 'credential_source = EcsContainer, and no container',
                    against: :local, who: nil, profile: 'a', config: "[profile a]\nrole_arn = {role.builder}\ncredential_source = EcsContainer\n"

Configuration.write 'credential_source = Ec2InstanceMetadata',
                    others: { ruby_old: nil },
                    because: 'aws-sdk-core 3.168 asks port 80, whatever AWS_EC2_METADATA_SERVICE_ENDPOINT says.',
                    against: :local, who: 'assumed-role/builder/*', profile: 'a', environment: { 'AWS_EC2_METADATA_DISABLED' => nil },
                    config: "[profile a]\nrole_arn = {role.builder}\ncredential_source = Ec2InstanceMetadata\n"

Configuration.write 'credential_source = Ec2InstanceMetadata, and IMDS disabled',
                    others: { ruby_new: 'assumed-role/builder/*' },
                    because: 'aws-sdk-core asks IMDS all the same where a profile names it.',
                    against: :local, who: nil, profile: 'a', config: "[profile a]\nrole_arn = {role.builder}\ncredential_source = Ec2InstanceMetadata\n"

Configuration.write 'a credential_source in lower case',
                    who: nil, profile: 'a', config: "[profile a]\nrole_arn = {role.builder}\ncredential_source = environment\n",
                    environment: Configuration.keys_of('anna')

Configuration.write 'an external_id that the role asks for',
                    against: :local, who: 'assumed-role/external-id-only/*', profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = {role}/external-id-only\nsource_profile = base\nexternal_id = legion-7f3a:partner/42\n"

Configuration.write 'another external_id than the role asks for',
                    against: :local, who: nil, profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = {role}/external-id-only\nsource_profile = base\nexternal_id = partner/42\n"

Configuration.write 'an external_id of the source is none of the role on top',
                    against: :local, who: nil, profile: 'b', credentials: base, config: <<~INI
                      [profile a]
                      role_arn = {role.builder}
                      source_profile = base
                      external_id = legion-7f3a:partner/42
                      [profile b]
                      role_arn = {role}/external-id-only
                      source_profile = a
                    INI

Configuration.write 'a session name with a letter that STS refuses',
                    against: :local, who: nil, profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = base\nrole_session_name = a/b\n"

Configuration.write 'two hours, which the role allows',
                    against: :local, who: 'assumed-role/builder/*', profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = base\nduration_seconds = 7200\n"

Configuration.write 'two hours, which the role does not allow',
                    against: :local, who: nil, profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = {role.deployer}\nsource_profile = base\nduration_seconds = 7200\n"

Configuration.write 'two hours, which a chained role never gets',
                    against: :local, who: nil, profile: 'b', credentials: base, config: <<~INI
                      [profile a]
                      role_arn = {role.deployer}
                      source_profile = base
                      [profile b]
                      role_arn = {role.builder}
                      source_profile = a
                      duration_seconds = 7200
                    INI

Configuration.write 'ten minutes, less than STS gives',
                    against: :local, who: nil, profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = base\nduration_seconds = 600\n"

Configuration.write 'a duration_seconds that is no number',
                    others: { boto3: 'assumed-role/builder/*' },
                    because: 'boto3 leaves it out.',
                    who: nil, profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = {role.builder}\nsource_profile = base\nduration_seconds = an hour\n"

Configuration.write 'a role that refuses everyone',
                    against: :local, who: nil, profile: 'a', credentials: base, config: "[profile a]\nrole_arn = {role}/forbidden\nsource_profile = base\n"

Configuration.write 'a role of another account',
                    against: :local, who: 'arn:aws:sts::210987654321:assumed-role/partner/*', profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = arn:aws:iam::210987654321:role/partner\nsource_profile = base\n"

Configuration.write 'a role_arn that is none',
                    others: { ruby: 'assumed-role/worker/*' },
                    because: 'The Ruby SDKs send what is there, and moto takes it.',
                    who: nil, profile: 'a', credentials: base, config: "[profile a]\nrole_arn = worker\nsource_profile = base\n"

Configuration.write 'an empty role_arn, and keys',
                    who: nil, profile: 'a', credentials: base, config: "[profile a]\nrole_arn =\nsource_profile = base\n{anna}\n"

Configuration.write 'an mfa_serial, and no code to type',
                    against: :local, who: nil, profile: 'a', credentials: base,
                    config: "[profile a]\nrole_arn = {role}/mfa-only\nsource_profile = base\nmfa_serial = {mfa}\n"

Configuration.write 'an mfa_serial, and a code typed at the prompt',
                    others: { ruby: nil },
                    because: 'The Ruby SDKs do not prompt for a code.',
                    against: :local, who: 'assumed-role/mfa-only/*', profile: 'a', credentials: base, with_code: true,
                    config: "[profile a]\nrole_arn = {role}/mfa-only\nsource_profile = base\nmfa_serial = {mfa}\n"

Configuration.write 'AWS_ROLE_ARN without a token file',
                    others: { boto3: 'user/anna', ruby: 'user/anna' },
                    because: 'To them it belongs to a token file alone; to us it is a setting like role_arn.',
                    who: 'assumed-role/builder/*', credentials: "[default]\n{anna}\n", environment: { 'AWS_ROLE_ARN' => '{role.builder}' }
