# frozen_string_literal: true

require 'docs/support/command_lines'
require 'docs/support/reader'
require 'legion/extensions/identity/aws/cli'

# Types every command that the pages show, in a shell, with the local AWS.
RSpec.describe 'The commands of the pages' do
  include Reader

  cli = Legion::Extensions::Identity::Aws::Cli
  # The names of formats, as the help of a command lists them.
  formats = Hash.new do |known, name|
    help = cli::Arguments.new([name, '--help']).answer[/^ +--format FORMAT(.*?)(?=^ +-)/m, 1].to_s
    known[name] = help.scan(/(?:^ *|; )([a-z-]+): /).flatten
  end

  # A page shows the lines of a shell's start-up file; before that line of zsh's the file has compinit.
  earlier = { 'zsh' => 'autoload -Uz compinit; compinit -u -D; ' }.freeze

  # In a folder of its own, without a terminal.
  define_method(:typed) do |line|
    shell = line[/source <\(.* (\w+)\)/, 1] || 'sh'
    skip "no #{shell} here" unless ENV.fetch('PATH').split(':').any? { |folder| File.executable?(File.join(folder, shell)) }
    out, err, status = Open3.capture3(environment, shell, '-c', "#{earlier[shell]}#{line}", stdin_data: '', chdir: home)
    Program::Answer.new(stdout: out, stderr: err, status: status)
  end

  # So that there is something to list and to remove.
  def fill_cache
    file('.legionio/settings/cache.json', JSON.generate(identity: { aws: { cache: true, role_arn: "#{BrokenWorld::ROLE}team/deployer" } }))
    [%w[whoami], %w[whoami --profile prod]].each { |words| expect(in_pipe(*words, env: environment)).to have_attributes(exit: 0) }
  end

  # JSON, or text that is none: what the format of the line says, else the command.
  define_method(:kind_of) do |line|
    return :json if line.match?(/--json|--format (json|process|exec-credential)/)
    return :text if line.match?(/--text|--format|--help/)

    command = cli::Command.all.find { |one| line.split.include?(one.command_name) }
    formats[command.command_name] == %w[text json] && !command::TEXT_IN_PIPES ? :json : :text
  end

  def json?(text)
    JSON.parse(text).then { |data| data.is_a?(Enumerable) }
  rescue JSON::ParserError
    false
  end

  lines = CommandLines.all + CommandLines.tokens

  it 'are every command of the program' do
    expect(lines.size).to be > 30
    shown = lines.map(&:words).flat_map { |words| words & cli::Command.all.map(&:command_name) }
    expect(cli::Command.all.map(&:command_name) - shown).to be_empty
  end

  lines.each do |line|
    it "work: #{line.place} #{line.text}" do
      fill_cache if line.words.include?('cache')
      answer = typed(line.text)
      expect(answer).to have_attributes(exit: 0, stderr: '')
      next if !line.plain? || line.text.include?(' exec ')

      expect(answer.stdout).not_to be_empty
      expect(json?(answer.stdout)).to be(kind_of(line.text) == :json), answer.stdout
    end
  end

  # With the least options each is shown with.
  lines.select(&:plain?).group_by { |line| line.words.reject { |word| word.start_with?('-') }.first(2) }.each_value do |shown|
    line = shown.first.text
    command = (shown.first.words & cli::Command.all.map(&:command_name)).first
    next if line.include?('--format')

    formats[command].each do |format|
      it "work in each format: #{line} --format #{format}" do
        fill_cache if command == 'cache'
        answer = typed("#{line} --format #{format}")
        expect(answer).to have_attributes(exit: 0, stderr: '', stdout: satisfy { |out| !out.empty? })
        expect(json?(answer.stdout)).to be(%w[json process exec-credential].include?(format)), answer.stdout
      end
    end
  end
end
