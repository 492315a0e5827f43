# frozen_string_literal: true

desc 'Compare with boto3 and aws-sdk-ruby against moto (bin/setup --moto)'
task moto: :compile do
  abort 'moto is not here: run bin/setup --moto' unless File.exist?('.local/moto/complete')
  rspec 'spec/moto'
end
