# frozen_string_literal: true

desc 'Compare with boto3, the AWS CLI and aws-sdk-ruby, as part of rake moto; interop[-e name] selects examples'
task :interop, [:arguments] => %i[compile fake_aws] do |_, given|
  abort 'boto3, the AWS CLI and the SDKs are missing: run bin/setup --moto' unless File.exist?('.local/moto/complete') && File.exist?('.local/sdks/old')
  rspec 'spec/interop', *given.arguments&.split
end

namespace :interop do
  desc 'Compare with aws-sdk-ruby only, without Python'
  task clients: %i[compile fake_aws] do
    abort 'the SDKs are missing: run bin/setup --moto' unless File.exist?('.local/sdks/old')
    rspec 'spec/interop/clients_spec.rb'
  end
end
