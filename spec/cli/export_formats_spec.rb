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

  describe 'in the shells, with hostile values' do
    hostile = [nasty, '-n', ' a ', 'a\\', "\\'", "''", '"', '$(exit 9)', '${HOME}', '`exit 9`', '!x!', '~', '*', '#x', '%s%n', 'a;b&c|d>e<f(g)h{i}[j]', '=',
               '$Env:HOME', "two\nlines", "\u2018\u201a\u201b", "\u00e9\u{1f600}"]
    installed = ->(shell) { ENV.fetch('PATH').split(':').any? { |folder| File.executable?(File.join(folder, shell)) } }

    { 'env' => %w[sh bash dash zsh], 'fish' => %w[fish] }.each do |format, shells|
      shells.product(%w[C C.UTF-8]).each do |shell, locale|
        it "are what they were in #{shell} with the locale #{locale}" do
          skip "no #{shell} here" unless installed[shell]
          codes = hostile.map do |value|
            allow(credentials).to receive(:secret_access_key).and_return(value)
            "#{formats.to(format)}\nprintf '%s\\036' \"$AWS_SECRET_ACCESS_KEY\"\n"
          end
          # Evaluated as the pages say.
          read = shell == 'fish' ? 'cat | source' : 'eval "$(cat)"'
          out, status = Open3.capture2({ 'LC_ALL' => locale, 'HOME' => '/nowhere' }, shell, '-c', read, stdin_data: codes.join)
          expect([out.force_encoding('UTF-8').split("\x1e"), status.exitstatus]).to eq([hostile, 0])
        end
      end
    end
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

  it 'are no profile with a value that readers of profiles would cut off' do
    ['a #b', 'a ;b', ' a', 'a ', '#a'].each do |value|
      allow(credentials).to receive(:secret_access_key).and_return(value)
      expect { formats.to('ini') }.to raise_error(aws::ConfigurationError, /a profile cannot hold.*--format env or json/)
      expect(formats.to('env-no-export')).to include("=#{value}\n")
    end
  end

  # docker's package kvfile keeps such quotes in some versions, and takes them away in others.
  it 'are no file of docker with a value in quotes' do
    ["'a'", '"a b"', "''"].each do |value|
      allow(credentials).to receive(:secret_access_key).and_return(value)
      expect { formats.to('env-no-export') }.to raise_error(aws::ConfigurationError, /stand in quotes/)
    end
    ["'", "'a\"", "a'b'", '"a'].each do |value|
      allow(credentials).to receive(:secret_access_key).and_return(value)
      expect(formats.to('env-no-export')).to include("=#{value}\n")
    end
  end

  # PowerShell ends a text in single quotes at each of these marks, and takes two of them for one.
  it 'double every single quote that PowerShell knows' do
    allow(credentials).to receive(:secret_access_key).and_return("' ‘ ’ ‚ ‛ '' “ ” ` $x $(y)")
    expect(formats.to('powershell')).to include("KEY = ''' ‘‘ ’’ ‚‚ ‛‛ '''' “ ” ` $x $(y)'\n")
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
