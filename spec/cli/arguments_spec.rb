# frozen_string_literal: true

require 'legion/extensions/identity/aws/cli'

RSpec.describe Legion::Extensions::Identity::Aws::Cli::Arguments do
  cli = Legion::Extensions::Identity::Aws::Cli

  def parsed(*words) = described_class.new(words)
  def given(*words) = parsed(*words).command.instance_variable_get(:@session_options).value

  it 'answers help and version in each of their ways' do
    general = parsed('--help').answer
    expect([parsed, parsed('help'), parsed('-h'), parsed('help', 'help'), parsed('help', 'version')].map(&:answer)).to all(eq(general))
    cli::Command.all.map(&:command_name).each do |name|
      expect(parsed('help', name).answer).to eq(parsed(name, '--help').answer).and(start_with("Usage: lex-identity-aws #{name}"))
      expect(parsed('--help', name).answer).to eq(parsed('help', name).answer)
    end
    version = Legion::Extensions::Identity::Aws::VERSION
    expect([parsed('version'), parsed('--version'), parsed('-v'), parsed('whoami', '--version')].map(&:answer)).to all(eq(version))
    expect(general).to match(/^    help .*\n    version /)
  end

  it 'suggests the command that was meant' do
    { 'who' => 'whoami', 'whoam' => 'whoami', 'docter' => 'doctor', 'credentails' => 'credentials', 'tokne' => 'token', 'hlep' => 'help', 'Doctor' => 'doctor' }
      .each { |wrong, right| expect { parsed(wrong) }.to raise_error(described_class::Wrong, /no command "#{wrong}"\. Did you mean #{right}\?/) }
    expect { parsed('help', 'docter') }.to raise_error(described_class::Wrong, /Did you mean doctor/)
    expect { parsed('deploy-it') }.to raise_error(described_class::Wrong, /"deploy-it"\. There are whoami/)
  end

  it 'takes options before the command as it takes them behind' do
    expect(given('--profile', 'base', '--region=eu-west-1', 'whoami', '--role-arn', 'r')).to eq(profile: 'base', region: 'eu-west-1', role_arn: 'r')
    expect(given('--cache=/tmp/x', 'whoami')).to eq(cache: '/tmp/x')
    expect(parsed('--format', 'process', 'credentials').command.instance_variable_get(:@format)).to eq('process')
    expect(parsed('--no-legionio', '--json', 'whoami').command.instance_variables).to include(:@form)
    expect(given('--region', 'a', 'exec', '--region', 'b', '--', 'env', '--region', 'c')).to eq(region: 'b')
  end

  it 'refuses before a command what the command does not take' do
    expect { parsed('--profile', 'x', 'profiles') }.to raise_error(described_class::Wrong, /Invalid option: --profile/)
    expect { parsed('--assume', 'doctor') }.to raise_error(described_class::Wrong, /Invalid option: --assume/)
    expect { parsed('--format', 'xml', 'whoami') }.to raise_error(described_class::Wrong, /xml/)
    expect { parsed('--profile', 'x') }.to raise_error(described_class::Wrong, /No command is given beside --profile x/)
  end

  it 'takes --format beside --json and --text' do
    { %w[--format text] => :text, %w[--format json] => :json, %w[--json] => :json, %w[--text] => :text }.each do |words, form|
      %w[whoami doctor profiles legionio].each { |name| expect(parsed(name, *words).command.instance_variable_get(:@form)).to be(form) }
    end
  end

  it 'has a flag for every option of a session that is no callable' do
    context = { provider_arn: 'arn:x', context_assertion: 'a=b' }
    flags = { 'profile' => 'p', 'credential-source' => 'Environment', 'web-identity-token-file' => '/t', 'region' => 'r', 'endpoint' => 'e',
              'role-arn' => 'a', 'role-session-name' => 's', 'external-id' => 'i', 'source-identity' => 'si',
              'serial-number' => 'n', 'provider-id' => 'pi', 'policy' => '{}' }
    words = flags.flat_map { |flag, value| ["--#{flag}", value] }
    words += %w[--session-duration 900 --minimum-session-token-size 8 --policy-arn a --policy-arn b --transitive-tag-key k --session-tag t=a=b --session-tag u=
                --provided-context arn:x=a=b --get-session-token --cache]
    others = { session_duration: 900, minimum_session_token_size: 8, policy_arns: %w[a b], transitive_tag_keys: %w[k], tags: { 't' => 'a=b', 'u' => '' },
               provided_contexts: [context], get_session_token: true, cache: true }
    expect(given('whoami', *words)).to eq(flags.transform_keys { |flag| flag.tr('-', '_').to_sym }.merge(others))
    expect { parsed('whoami', '--session-tag', 'team') }.to raise_error(described_class::Wrong, /--session-tag takes NAME=VALUE/)
    expect { parsed('whoami', '--provided-context', 'canary') }.to raise_error(described_class::Wrong, /\A(?!.*canary).*takes NAME=VALUE/)
    expect { parsed('whoami', '--session-duration', '1h') }.to raise_error(described_class::Wrong, /1h/)
  end
end
