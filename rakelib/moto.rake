# frozen_string_literal: true

desc 'Compare with boto3 and aws-sdk-ruby, against moto and the local AWS (bin/setup --moto); SPEC selects files'
task moto: %i[compile fake_aws] do
  abort 'moto is missing: run bin/setup --moto' unless File.exist?('.local/moto/complete')
  rspec(*(ENV['SPEC']&.split || %w[spec/moto spec/interop]))
end
