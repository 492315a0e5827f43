# frozen_string_literal: true

require 'open3'
require 'legion/extensions/identity/aws/cli'
require 'legion/extensions/identity/aws/cli/export_formats'

RSpec.describe Legion::Extensions::Identity::Aws::Cli::ExportFormats do
  aws = Legion::Extensions::Identity::Aws
  nasty = %q(a'b"c\d $HOME `x` ’ %)

  subject(:formats) { described_class.new(credentials) }

  let(:token) { nil }
  let(:secret) { nasty }
  let(:credentials) do
    instance_double(aws::Credentials, access_key_id: 'ASIAX', secret_access_key: secret, session_token: token, region: 'eu-west-1',
                                      expiration: Time.utc(2030, 1, 2, 3, 4, 5), account_id: '123456789012', source: 'environment')
  end

  it 'are evaluated by a shell to what they were, and unset what there is not' do
    code = "#{formats.to('env')}\nprintf '%s|' \"$AWS_SECRET_ACCESS_KEY\" \"${AWS_SESSION_TOKEN-unset}\" $AWS_REGION $AWS_DEFAULT_REGION"
    out, = Open3.capture2({ 'AWS_SESSION_TOKEN' => 'stale' }, 'sh', '-c', code)
    expect(out.force_encoding('UTF-8')).to eq("#{nasty}|unset|eu-west-1|eu-west-1|")
  end

  # As the manuals of fish and of PowerShell have their quotes.
  it 'are quoted for fish and PowerShell' do
    expect(formats.to('fish').lines.map(&:chomp)).to include("set -gx AWS_ACCESS_KEY_ID 'ASIAX'", "set -gx AWS_SECRET_ACCESS_KEY 'a\\'b\"c\\\\d $HOME `x` ’ %'",
                                                             'set -e AWS_SESSION_TOKEN', "set -gx AWS_REGION 'eu-west-1'")
    expect(formats.to('powershell').lines.map(&:chomp))
      .to include("$Env:AWS_SECRET_ACCESS_KEY = 'a''b\"c\\d $HOME `x` ’’ %'", 'Remove-Item Env:AWS_SESSION_TOKEN -ErrorAction SilentlyContinue')
  end

  it 'are lines without quotes, and a profile' do
    expect(formats.to('env-no-export').lines.map(&:chomp))
      .to eq(['AWS_ACCESS_KEY_ID=ASIAX', "AWS_SECRET_ACCESS_KEY=#{nasty}", 'AWS_CREDENTIAL_EXPIRATION=2030-01-02T03:04:05Z', 'AWS_REGION=eu-west-1',
              'AWS_DEFAULT_REGION=eu-west-1'])
    expect(described_class.new(credentials, 'prod').to('ini'))
      .to eq("[prod]\n# until 2030-01-02T03:04:05Z\naws_access_key_id = ASIAX\naws_secret_access_key = #{nasty}\nregion = eu-west-1")
    expect(formats.to('ini')).to start_with("[default]\n")
  end

  describe 'with a line break in a value' do
    let(:token) { "a\nAWS_ENDPOINT_URL=http://evil" }

    it 'are refused where the form cannot hold it' do
      %w[env-no-export ini].each { |format| expect { formats.to(format) }.to raise_error(aws::ConfigurationError, /line break/) }
      expect(formats.to('json')).to include(session_token: token)
    end
  end

  it 'are all those of --format' do
    expect(described_class::ALL.keys.map { |format| formats.to(format).class }.uniq).to contain_exactly(String, Hash)
  end
end
