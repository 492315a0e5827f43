# frozen_string_literal: true

# Containers and instances.

container = { 'AWS_CONTAINER_CREDENTIALS_FULL_URI' => '{local}/ecs/credentials',
              'AWS_CONTAINER_AUTHORIZATION_TOKEN'  => 'ecs-authorization-token-of-the-local-AWS' }.freeze
instance = { 'AWS_EC2_METADATA_DISABLED' => nil }.freeze
task = 'assumed-role/ecs-task/0123456789abcdef0123456789abcdef'
web = 'assumed-role/ec2-web/i-0a1b2c3d4e5f60718'

Configuration.write 'a container',
                    others: { ruby_old: nil },
                    because: 'In aws-sdk-core 3.168 the chain does not look at AWS_CONTAINER_CREDENTIALS_FULL_URI.',
                    against: :local, who: task, environment: container

Configuration.write 'a container with a file for its token',
                    others: { ruby_old: nil },
                    because: 'In aws-sdk-core 3.168 the chain does not look at AWS_CONTAINER_CREDENTIALS_FULL_URI.',
                    against: :local, who: 'assumed-role/eks-pod/*', files: { 'token' => 'eks-pod-identity-token-of-the-local-AWS' },
                    environment: { 'AWS_CONTAINER_CREDENTIALS_FULL_URI'     => '{local}/v1/credentials',
                                   'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE' => '{home}/token' }

Configuration.write 'a container that wants another token',
                    against: :local, who: nil, environment: container.merge('AWS_CONTAINER_AUTHORIZATION_TOKEN' => 'wrong')

Configuration.write 'a container whose credentials URL is not allowed',
                    against: :local, who: nil, environment: container.merge('AWS_CONTAINER_CREDENTIALS_FULL_URI' => 'http://192.0.2.1/credentials')

Configuration.write 'a container, and keys of [default]',
                    against: :local, who: 'user/anna', environment: container, credentials: "[default]\n{anna}\n"

Configuration.write 'a container, and an instance',
                    others: { ruby_old: nil },
                    because: 'In aws-sdk-core 3.168 the chain does not look at AWS_CONTAINER_CREDENTIALS_FULL_URI.',
                    against: :local, who: task, environment: container.merge(instance)

Configuration.write 'a container, and a profile with settings only',
                    others: { ruby_old: nil },
                    because: 'In aws-sdk-core 3.168 the chain does not look at AWS_CONTAINER_CREDENTIALS_FULL_URI.',
                    against: :local, who: task, environment: container.merge('AWS_PROFILE' => 'settings'), config: "[profile settings]\nregion = us-east-1\n"

Configuration.write 'a container, and a profile by option with settings only',
                    others: { boto3: task, ruby_new: task },
                    because: 'A profile by option means that profile to us, and nothing else; they go on to the next source.',
                    against: :local, who: nil, environment: container, profile: 'settings', config: "[profile settings]\nregion = us-east-1\n"

Configuration.write 'an instance',
                    others: { ruby_old: nil },
                    because: 'aws-sdk-core 3.168 asks port 80, whatever AWS_EC2_METADATA_SERVICE_ENDPOINT says.',
                    against: :local, who: web, environment: instance

Configuration.write 'an instance, and keys in the environment',
                    against: :local, who: 'user/anna',
                    environment: instance.merge(Configuration.keys_of('anna'))

Configuration.write 'an instance, and [default] with settings only',
                    others: { ruby_old: nil },
                    because: 'aws-sdk-core 3.168 asks port 80, whatever AWS_EC2_METADATA_SERVICE_ENDPOINT says.',
                    against: :local, who: web, environment: instance, config: "[default]\nregion = us-east-1\n"

Configuration.write 'an instance, and a profile by option with settings only',
                    others: { boto3: web, ruby_new: web },
                    because: 'A profile by option means that profile to us, and nothing else; they go on to the next source.',
                    against: :local, who: nil, environment: instance, profile: 'settings', config: "[profile settings]\nregion = us-east-1\n"

Configuration.write 'an instance, and a profile by option that does not exist',
                    others: { ruby_new: web },
                    because: 'The Ruby SDKs go on to the next source.',
                    against: :local, who: nil, environment: instance, profile: 'nowhere'

Configuration.write 'an instance, and AWS_PROFILE of a profile that does not exist',
                    others: { ruby_new: web },
                    because: 'The Ruby SDKs go on to the next source.',
                    against: :local, who: nil, environment: instance.merge('AWS_PROFILE' => 'nowhere')

Configuration.write 'an instance, and a role that refuses everyone',
                    against: :local, who: nil, environment: instance, credentials: "[base]\n{anna}\n",
                    config: "[default]\nrole_arn = {role}/forbidden\nsource_profile = base\n"

Configuration.write 'an instance, and half a pair of keys',
                    others: { ruby_new: web },
                    because: 'The Ruby SDKs go on to the next source.',
                    against: :local, who: nil, environment: instance, config: "[default]\naws_access_key_id = {anna.id}\n"

Configuration.write 'an instance, and a process that fails',
                    against: :local, who: nil, environment: instance, config: "[default]\ncredential_process = false\n"
