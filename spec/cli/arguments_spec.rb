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

  it 'suggests the option that was meant, in one line' do
    [%w[whoami --rolearn x], %w[--rolearn x whoami]].each do |words|
      expect { parsed(*words) }.to raise_error(described_class::Wrong, 'Invalid option: --rolearn. Did you mean --role-arn?')
    end
    expect { parsed('whoami', '--session', '5') }.to raise_error(described_class::Wrong, /\AAmbiguous option: --session\. Did you mean --session-[^\n]+\?\z/)
  end

  it 'refuses an empty value, which would mean another identity, before the command too' do
    [%w[whoami --profile], %w[exec --role-arn], %w[token --external-id]].each do |name, flag|
      ['', ' '].each do |empty|
        expect { parsed(name, flag, empty) }.to raise_error(described_class::Wrong, /\A#{flag} is empty/)
        expect { parsed(flag, empty, name) }.to raise_error(described_class::Wrong, /\A#{flag} is empty/)
      end
    end
    expect { parsed('--session-tag', 'x', 'whoami') }.to raise_error(described_class::Wrong, /takes NAME=VALUE/)
  end

  it 'takes options before the command as it takes them behind' do
    expect(given('--profile', 'base', '--region=eu-west-1', 'whoami', '--role-arn', 'r')).to eq(profile: 'base', region: 'eu-west-1', role_arn: 'r')
    expect(given('--cache=/tmp/x', 'whoami')).to eq(cache: '/tmp/x')
    expect(parsed('--format', 'process', 'credentials').command.instance_variable_get(:@format)).to eq('process')
    expect(parsed('--no-legionio', '--json', 'whoami').command.instance_variables).to include(:@form)
    expect(given('--region', 'a', 'exec', '--region', 'b', '--', 'env', '--region', 'c')).to eq(region: 'b')
  end

  it 'refuses before a command what the command does not take' do
    expect { parsed('--region', 'x', 'profiles') }.to raise_error(described_class::Wrong, /Invalid option: --region/)
    expect { parsed('--assume', 'doctor') }.to raise_error(described_class::Wrong, /Invalid option: --assume/)
    expect { parsed('--format', 'xml', 'whoami') }.to raise_error(described_class::Wrong, /xml/)
    expect { parsed('--external-id', 'canary') }.to raise_error(described_class::Wrong, 'No command is given beside --external-id.')
    expect { parsed('--profile', 'x') }.to raise_error(described_class::Wrong, /No command is given beside --profile\./)
  end

  it 'does not repeat what was given to a wrong option, which may be a secret' do
    { '--extrnal-id=canary' => 'Invalid option: --extrnal-id. Did you mean --external-id?', '--nonsense=canary' => 'Invalid option: --nonsense.',
      '--get-session-token=canary' => 'Needless argument: --get-session-token.', '-xcanary' => 'Invalid option: -x.',
      '--external-id:Wjalr/XUtnFEMI/K7' => 'Invalid option: --external-id.', '--external-id7Canary/of/the/specs' => 'Invalid option: --external-id.',
      '--external-idcanary' => 'Invalid option: --external-id.', '--External_Idcanary' => 'Invalid option: --external-id.',
      '--Extrnal-id=canary' => 'Invalid option: --Extrnal-id. Did you mean --external-id?', '--imds1=canary' => 'Invalid option: --imds.',
      '--session-duration=soon' => 'Invalid argument: --session-duration=soon. It takes a whole number.' }.each do |word, said|
      expect { parsed('whoami', word) }.to raise_error(described_class::Wrong, said), word
    end
  end

  it 'says what an option takes whose values are known, and where an option of one command stands' do
    { %w[whoami --format xml] => '--format xml. It takes text, json.', %w[credentials --format=csv] => /--format=csv\. It takes env, .*json\.\z/,
      %w[whoami --form xml] => '--form xml. It takes text, json.', %w[whoami --session_duration=x] => '--session_duration=x. It takes a whole number.',
      %w[token --port abc] => '--port abc. It takes a whole number.' }.each do |words, said|
      expect { parsed(*words) }.to raise_error(described_class::Wrong, said.is_a?(Regexp) ? said : "Invalid argument: #{said}")
    end
    expect { parsed('--qualifier', 'x', 'whoami') }
      .to raise_error(described_class::Wrong, 'Invalid option: --qualifier. An option of one command stands after it.')
    expect { parsed('whoami', '--nonsense') }.to raise_error(described_class::Wrong, 'Invalid option: --nonsense.')
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
    [%w[whoami --session-tag team], %w[--session-tag team whoami], %w[--provided-context team]].each do |words|
      expect { parsed(*words) }.to raise_error(described_class::Wrong, /takes NAME=VALUE/)
    end
    expect { parsed('whoami', '--provided-context', 'canary') }.to raise_error(described_class::Wrong, /\A(?!.*canary).*takes NAME=VALUE/)
    expect { parsed('whoami', '--session-duration', '1h') }.to raise_error(described_class::Wrong, /1h/)
  end
end
