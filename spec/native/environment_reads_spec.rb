# frozen_string_literal: true

require 'tmpdir'
require 'native/support/faults'

# In glibc before 2.41 a read of the environment can crash while Ruby adds a variable: only the thread that holds Ruby's lock may read it.
RSpec.describe 'The environment', if: RUBY_PLATFORM.include?('linux') do
  # Prints the names that are read on any thread but the first one.
  spy = <<~C
    #include <stdio.h>
    #include <string.h>
    #include <unistd.h>
    #include <sys/syscall.h>
    extern char **environ;
    char *getenv(const char *name) {
      char line[300];
      size_t length = strlen(name);
      if (syscall(SYS_gettid) != getpid()) {
        int size = snprintf(line, sizeof line, "READ %s\\n", name);
        if (write(2, line, size)) {}
      }
      for (char **entry = environ; entry && *entry; entry++)
        if (!strncmp(*entry, name, length) && (*entry)[length] == '=') return *entry + length + 1;
      return 0;
    }
  C

  around { |example| Dir.mktmpdir('spy') { |folder| (@folder = folder) && example.run } }

  it 'is read on the threads of fetches once in a process, by the AWS SDK' do
    File.write("#{@folder}/spy.c", spy)
    Faults.compile("#{@folder}/spy.c", "#{@folder}/spy.so")
    code = <<~RUBY
      require 'legion/extensions/identity/aws'
      session = Legion::Extensions::Identity::Aws::Session.new(role_arn: 'arn:aws:iam::123456789012:role/legion-worker')
      session.identity
      session.identity_token(audience: 'a')
      session.scoped(policy: { Statement: [] }).credentials
      puts session.credentials.access_key_id
    RUBY
    env = local_aws.env_with_keys.merge('LD_PRELOAD' => "#{@folder}/spy.so", 'AWS_EXECUTION_ENV' => 'AWS_ECS_FARGATE')
    result = ruby_process(code, env: env, timeout: 50)
    expect(result.stdout).to start_with('ASIA'), result.stderr
    expect(result.stderr.scan(/^READ (\S+)/).flatten).to eq(['SMITHY_CLIENT_SDK_CUSTOM_PARTITION'])
    headers = local_aws.requests(service: :sts).map { |request| request[:headers] }
    expect(headers.filter_map { |one| one['x-amz-user-agent'] }).to include(a_string_matching(%r{\Aaws-sdk-rust/.* api/sts/[\d.]+ .*exec-env/AWS_ECS_FARGATE}))
    expect(headers.filter_map { |one| one['x-amzn-trace-id'] }).to eq([])
  end

  it 'gives the trace of AWS Lambda to STS, as the AWS SDK does' do
    trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
    env = local_aws.env_with_keys.merge('AWS_LAMBDA_FUNCTION_NAME' => 'f', '_X_AMZN_TRACE_ID' => trace)
    ruby_process("require 'legion/extensions/identity/aws'\nLegion::Extensions::Identity::Aws::Session.new.identity", env: env, timeout: 50)
    request = local_aws.requests(service: :sts, action: 'GetCallerIdentity').fetch(0)
    expect([request[:status], request[:headers]['x-amzn-trace-id']]).to eq([200, trace])
  end
end
