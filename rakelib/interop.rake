# frozen_string_literal: true

desc 'The part of rake moto that is about other implementations: boto3, the AWS CLI, aws-sdk-ruby; interop[-e name] narrows it'
task :interop, [:arguments] => %i[compile fake_aws] do |_, given|
  abort 'the others are not here: run bin/setup --moto' unless File.exist?('.local/moto/complete') && File.exist?('.local/sdks/old')
  rspec 'spec/interop', *given.arguments&.split
end

namespace :interop do
  desc 'The clients of aws-sdk-ruby alone, which need no Python'
  task clients: %i[compile fake_aws] do
    abort 'the SDKs are not here: run bin/setup --moto' unless File.exist?('.local/sdks/old')
    rspec 'spec/interop/clients_spec.rb'
  end
end
