# frozen_string_literal: true

require 'cli/support/program'
require 'legion/extensions/identity/aws/cli'
require 'legion/extensions/identity/aws/cli/candidates'

RSpec.describe 'lex-identity-aws completion' do
  include Program

  cli = Legion::Extensions::Identity::Aws::Cli
  version = Legion::Extensions::Identity::Aws::VERSION
  installed = ->(shell) { ENV.fetch('PATH').split(':').any? { |folder| File.executable?(File.join(folder, shell)) } }

  def candidates(*words) = Legion::Extensions::Identity::Aws::Cli::Candidates.new(words).rows.map(&:first)

  describe 'what could stand next' do
    it 'is every command, each with what it does, and what a command takes' do
      all = cli::Command.all.map(&:command_name)
      expect(candidates('')).to eq([*all, 'help', 'version'])
      expect(cli::Candidates.new(['doc']).rows).to eq([['doctor', cli::Command.find('doctor')::SUMMARY]])
      expect([candidates('help', 'w'), candidates('--profile', 'x', 'who'), candidates('--no-legionio', 'who')]).to all(eq(['whoami']))
      expect([candidates('cache', ''), candidates('token', 'e'), candidates('completion', 'f')]).to eq([%w[list clear], %w[eks elasticache], %w[fish]])
      expect([candidates('cache', 'list', 'x'), candidates('nothing', 'x'), candidates('version', 'x')]).to all(be_empty)
    end

    it 'is every option of the command, or of all of them' do
      cli::Command.all.each do |command|
        help = cli::Arguments.new([command.command_name, '--help']).answer
        expect(candidates(command.command_name, '--')).to match_array(help.scan(/^ +(?:-\w, )?(--[a-z-]+)/).flatten - ['--version'])
      end
      expect(candidates('--')).to include('--profile', '--role-arn', '--json', '--help', '--version')
      expect(candidates('whoami', '--role-arn', 'x', '--al')).to eq(['--all'])
      expect(candidates('profiles', '')).to include('--no-legionio')
    end

    it 'is a value of the option before it, also where bash makes a word of the equals sign' do
      cli::Command.find('credentials')
      formats = cli::ExportFormats::ALL.keys
      expect([candidates('credentials', '--format', ''), candidates('credentials', '--format', '='), candidates('credentials', '--format', '=', '')])
        .to all(eq(formats))
      expect(candidates('credentials', '--format=po')).to eq(['--format=powershell'])
      expect(candidates('credentials', '--format', '=', 'i')).to eq(['ini'])
      expect(candidates('doctor', '--format', 'text', '--as')).to eq(['--assume'])
      expect(candidates('--credential-source', 'Ec')).to eq(%w[EcsContainer Ec2InstanceMetadata])
      expect([candidates('whoami', '--region', ''), candidates('whoami', '--role-arn', 'arn')]).to all(be_empty)
    end

    it 'is a file where an option takes one, and behind exec' do
      [%w[whoami --web-identity-token-file], %w[exec --], %w[exec ls], %w[exec --profile x -- ls], %w[whoami --cache =]].each do |words|
        expect(candidates(*words, '')).to eq([':files'])
      end
      expect(candidates('whoami', '--cache', '--prof')).to eq(['--profile'])
      expect(candidates('exec', '--prof')).to eq(['--profile'])
    end

    it 'is a profile or a role of this machine' do
      file('.aws/config', "[profile prod]\nregion = x\n[profile 'pre prod']\nregion = y\n")
      file('.legionio/settings/identity.json', JSON.generate(identity: { aws: { roles: { deploy: 'arn:aws:iam::123456789012:role/x' } } }))
      expect(in_pipe('completion', 'candidates', 'whoami', '--profile', 'pr')).to have_attributes(exit: 0, stdout: "pre prod\nprod\n")
      expect(in_pipe('completion', 'candidates', 'whoami', '--qualifier', '')).to have_attributes(exit: 0, stdout: "deploy\n")
      file('.aws/config', '[broken')
      expect(in_pipe('completion', 'candidates', 'whoami', '--profile', 'pr')).to have_attributes(exit: 0, stdout: '', stderr: '')
    end
  end

  it 'is for three shells' do
    cli::Command.find('completion')
    expect(cli::CompletionScripts::ALL.keys).to eq(cli::Completion::FIRST_WORDS)
    cli::CompletionScripts::ALL.each do |shell, script|
      expect(in_pipe('completion', shell)).to have_attributes(exit: 0, stdout: script)
      expect(script).to include('completion candidates')
    end
    ['completion', 'completion tcsh', 'completion bash more'].each do |line|
      expect(in_pipe(*line.split)).to have_attributes(exit: 2, stdout: '', stderr: a_string_including('completion'))
    end
  end

  describe 'in the shells' do
    before { file('.aws/config', "[profile prod]\nregion = x\n[profile 'a $b']\nregion = y\n") }

    def path = "#{File.dirname(installed_program)}:#{ENV.fetch('PATH')}"
    # What a shell writes of its own when it has ended is not in HOME, which is removed then.
    def own = @own ||= Dir.mktmpdir('shell')
    def variables = { 'HOME' => home, 'PATH' => path, 'TERM' => 'xterm', 'HISTFILE' => "#{own}/history", 'ZDOTDIR' => own, **xdg }
    def xdg = %w[DATA CONFIG CACHE STATE RUNTIME].to_h { |kind| ["XDG_#{kind}_HOME", "#{own}/#{kind}"] }
    def shell(*words) = IO.popen(variables, words, err: %i[child out], &:read)

    after { FileUtils.rm_rf(own) }

    # What the shell shows when this is typed.
    def typed(shell, setup, keys)
      output = +''
      PTY.spawn(variables, *shell) do |reader, writer, _pid|
        Timeout.timeout(30) do
          writer.write("#{setup}; echo rea''dy\r")
          output << reader.readpartial(4096) until output.include?('ready')
          keys.each { |key, seen| writer.write(key) && (output << reader.readpartial(4096) until output.include?(seen)) }
          writer.write("exit\r")
          loop { reader.readpartial(4096) }
        end
      rescue EOFError, Errno::EIO
        break
      end
      output
    end

    it 'works in bash, quoted as bash needs it' do
      skip 'no bash here' unless installed['bash']
      try = lambda do |*words|
        shell('bash', '-c', "source <(lex-identity-aws completion bash); COMP_WORDS=(lex-identity-aws #{words.join(' ')}); " \
                            'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _lex_identity_aws; printf "%s\n" "${COMPREPLY[@]}"').lines(chomp: true)
      end
      expect(try['who']).to eq(['whoami'])
      expect(try['whoami', '--profile', "''"]).to eq(['a\ \$b', 'prod'])
      expect(try['doctor', '--format', '=', 'j']).to eq(['json'])
      expect(typed(%w[bash --norc -i], 'source <(lex-identity-aws completion bash)', { "lex-identity-aws ver\t" => 'version', "\r" => version }))
        .to include(version)
    end

    it 'works in fish' do
      skip 'no fish here' unless installed['fish']
      try = ->(line) { shell('fish', '--no-config', '-c', "lex-identity-aws completion fish | source; complete -C '#{line}'").lines(chomp: true) }
      expect(try['lex-identity-aws who']).to eq(["whoami\t#{cli::Command.find('whoami')::SUMMARY}"])
      expect(try['lex-identity-aws whoami --profile ']).to eq(['a $b', 'prod'])
      expect(try['lex-identity-aws credentials --format=po']).to eq(['--format=powershell'])
    end

    it 'works in zsh' do
      skip 'no zsh here' unless installed['zsh']
      setup = 'autoload -Uz compinit; compinit -u; source <(lex-identity-aws completion zsh)'
      shown = typed(%w[zsh -f -i], setup, { "lex-identity-aws ver\t" => 'version', "\r" => version,
                                            "lex-identity-aws profiles --text --profile a\t" => 'a\\ \\$b', " \r" => '*  a $b' })
      expect(shown).to include(version, '*  a $b')
    end
  end
end
