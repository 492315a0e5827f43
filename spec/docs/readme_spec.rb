# frozen_string_literal: true

require 'docs/support/pages'

# Runs the README's first example unchanged, together with the real aws-sdk-ruby, whose module is Aws.
RSpec.describe 'The README' do
  it 'begins with an example that works' do
    code = Pages.read('README.md')[/^## Use it$.*?^```ruby\n(.*?)^```/m, 1]
    expect(code).to include('Session.new', 'role/deployer', 'Aws::S3::Client.new(credentials: session)')
    local_aws.world(roles: { 'arn:aws:iam::123456789012:role/deployer' => { external_id: 'partner-42' } })
    # The specs have aws-sdk-core only, which includes STS.
    result = ruby_process("require 'aws-sdk-core'\nclient = begin\n#{code.sub('Aws::S3::', 'Aws::STS::')}end\nputs client.get_caller_identity.arn",
                          env: local_aws.env_with_keys.merge('AWS_REGION' => 'eu-west-1'))
    expect(result.stderr).to be_empty
    expect(result.stdout).to match(%r{\Aarn:aws:sts::123456789012:assumed-role/deployer/})
  end
end
