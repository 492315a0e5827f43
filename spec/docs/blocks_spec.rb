# frozen_string_literal: true

require 'docs/support/policy'
require 'docs/support/reader'
require 'yaml'

# Every fenced block of README.md and docs/ is run: as Ruby, by the program, by the readers of settings and profiles. What is not has a mark
# with the reason: see Blocks.
RSpec.describe 'The blocks of README and docs/' do
  include Reader

  languages = %w[ruby json ini yaml sh mermaid]

  it 'are all run, or marked with a reason' do
    expect(Blocks.all.size).to be > 55
    expect(Blocks.problems(Blocks.all, languages)).to be_empty
  end

  it 'are found wanting without a mark, with one that gives no reason, and with one that is none' do
    marks = [nil, nil, 'not run:', 'not run: COBOL is not here', 'skip']
    text = %w[sh cobol sh cobol sh].zip(marks).map { |language, mark| "#{"<!-- #{mark} -->\n" if mark}```#{language}\nx\n```\n\n" }.join
    expect(Blocks.problems(Blocks.of('page.md', text), languages)).to contain_exactly(
      'page.md:5: nothing runs "cobol", and no mark says why', 'page.md:10: "not run:" is no mark with a reason', 'page.md:20: "skip" is no mark with a reason'
    )
  end

  describe 'in Ruby' do
    frameworks = { /^RSpec\.describe/ => "require 'rspec/autorun'", /Minitest::Test/ => nil }
    apart = ->(block) { frameworks.keys.any? { |framework| framework.match?(block.text) } }
    pages = Blocks.run('ruby').reject { |block| block.in_legionio? || apart.call(block) }.group_by(&:page)

    pages.each do |page, blocks|
      it "run one after the other on #{page}" do
        result = run_page(page, blocks, Given.for(page))
        expect(result.stderr).to be_empty
        expect(result).to be_success, result.output
      end
    end

    it 'fail where they raise, and where a comment says another result' do
      given = Given::Page.new(before: '')
      texts = ["1 + 1 # => 2\n'ab' # => \"a…\"\n{ a: 1 } # => {a: 1}\nfoo.bar # raises NameError\n", "1 + 1 # => 3\n", "raise 'no'\n",
               "nil # raises KeyError\n"]
      blocks = Blocks.of('page.md', texts.map { |text| "```ruby\n#{text}```\n" }.join)
      expect(run_page('page.md', blocks, given).stderr.lines).to match(
        [a_string_starting_with('page.md:7: RuntimeError: is 2, and the page says 3'), a_string_starting_with('page.md:10: RuntimeError: no'),
         a_string_starting_with('page.md:13: RuntimeError: raises nothing, and the page says KeyError')]
      )
    end

    Blocks.run('ruby').select(&:in_legionio?).group_by(&:page).each do |page, blocks|
      it "run in LegionIO, those of #{page}" do
        settings = { identity: { aws: { role_arn: "#{BrokenWorld::ROLE}legion-worker", roles: { reader: "#{BrokenWorld::ROLE}team/deployer" } } } }
        result = run_page(page, blocks, Given::Page.new(before: Given.legionio(settings), after: { '' => "value or raise 'it is nil'" }))
        expect(result).to have_attributes(stderr: '', success?: true), result.output
      end
    end

    Blocks.run('ruby').select(&apart).each do |block|
      framework = frameworks.find { |pattern, _| pattern.match?(block.text) }.last
      it "pass as specs of a user: #{block.place}" do
        path = file('a_spec.rb', [framework, Given::DEPLOY, block.text].join("\n"))
        result = ruby_process("load #{path.inspect}", env: { 'HOME' => home })
        expect(result.stdout).to match(/[1-9]\d* (examples|runs).* 0 failures/).and(satisfy { |said| !said.match?(/[1-9]\d* errors/) }), result.output
      end
    end
  end

  describe 'in JSON' do
    parsed = Blocks.run('json').to_h { |block| [block, JSON.parse(block.text.start_with?('"') ? "{#{block.text}}" : block.text)] }
    policies, settings = parsed.partition { |_, data| Policy.looks_like?(data) }

    settings.each do |block, data|
      it "are settings that LegionIO's part of this gem uses without a warning: #{block.place}" do
        trust_roles_of(block.text)
        wanted = JSON.parse(JSON.generate(data).gsub('/run/legionio', home))
        result = run_page(block.page, [], Given::Page.new(machine: :ec2, before: <<~RUBY))
          #{Given.legionio(wanted)}
          puts JSON.generate(resolved: !RESOLVED.nil?, leases: named.to_h { |name| [name, !Legion::Identity::Broker.token_for(:aws, qualifier: name).nil?] })
        RUBY
        # LegionIO resolves these; before it has, no identity is taken.
        ready = !block.text.match?(%r{(vault|lease|env)://})
        named = data.dig('identity', 'aws').to_h.values_at('roles', 'tokens').compact.flat_map(&:keys)
        expect(result.stderr).to ready ? be_empty : match(/\A.*no AWS identity: identity\.aws\.\w+ .*not.*resolved yet.*\n\z/)
        expect(JSON.parse(result.stdout)).to eq('resolved' => ready, 'leases' => named.to_h { |name| [name, ready] })
      end
    end

    policies.each do |block, data|
      it "are a policy of IAM, or a part of its statement: #{block.place}" do
        expect(Policy.problems(data)).to be_empty
      end
    end

    it 'say what legionio --write writes' do
      entries = settings.map(&:last).select { |data| data.key?('extensions') }
      expect(entries.size).to be > 1
      expect(in_pipe('legionio', '--write')).to have_attributes(exit: 0)
      expect(entries).to all(eq(JSON.parse(File.read("#{home}/.legionio/settings/lex-identity-aws.json"))))
    end
  end

  it 'in JSON are found wanting with an action, a condition or a principal that is none' do
    statement = { 'Effect' => 'Allow', 'Action' => 'sts:AssumeRole', 'Resource' => '*' }
    document = ->(changes) { { 'Version' => '2012-10-17', 'Statement' => [statement.merge(changes)] } }
    expect(Policy.problems(document[{}])).to be_empty
    [{ 'Action' => 'AssumeRole' }, { 'Effect' => 'allow' }, { 'Principal' => { 'AWS' => '*' } }, { 'Condition' => { 'Equals' => { 'aws:a' => 'b' } } },
     { 'Resources' => '*' }].each { |changes| expect(Policy.problems(document[changes])).not_to be_empty, changes.inspect }
    expect(Policy.problems('Version' => '2008-10-17', 'Statement' => [])).not_to be_empty
  end

  describe 'in INI' do
    Blocks.run('ini').each do |block|
      it "are profiles that give credentials: #{block.place}" do
        login_of(block.text)
        file('.aws/config', "#{Reader::PROFILES}#{block.text}")
        names = block.text.scan(/^\[profile (\S+)\]/).flatten
        expect(names).not_to be_empty
        names.each { |name| expect(in_pipe('whoami', '--profile', name, env: environment)).to have_attributes(exit: 0, stderr: ''), name }
      end
    end
  end

  describe 'in YAML' do
    Blocks.run('yaml').each do |block|
      it "name commands that work: #{block.place}" do
        commands = []
        look = lambda do |data|
          commands << [data['command'], *data['args']] if data.is_a?(Hash) && data.key?('command')
          (data.is_a?(Hash) ? data.values : Array(data).grep(Enumerable)).each { |inner| look.call(inner) if inner.is_a?(Enumerable) }
        end
        look.call(YAML.safe_load(block.text))
        expect(commands).not_to be_empty
        commands.each do |command|
          said, status = Open3.capture2(environment, *command)
          expect([status.exitstatus, JSON.parse(said)['kind']]).to eq([0, 'ExecCredential'])
        end
      end
    end
  end

  describe 'for a shell' do
    Blocks.run('sh').each do |block|
      block.text.lines(chomp: true).each do |line|
        it "end well: #{block.place} #{line}" do
          said, status = Open3.capture2e(environment, 'sh', '-c', line)
          expect(status.exitstatus).to eq(0), said
        end
      end
    end
  end

  # Rendering takes a browser; this finds a diagram of no known kind, and a block within it that has no end.
  describe 'in Mermaid' do
    Blocks.run('mermaid').each do |block|
      it "are diagrams with balanced parts: #{block.place}" do
        lines = block.text.lines(chomp: true).map(&:strip)
        expect(lines.first).to match(/\A(flowchart (LR|TB)|stateDiagram-v2|sequenceDiagram)\z/)
        expect(lines.grep(/\A(subgraph|note (right|left) of) /).size).to eq(lines.grep(/\Aend( note)?\z/).size)
        expect(block.text.count('[')).to eq(block.text.count(']'))
        expect(lines.drop(1)).to all(match(/-->|-\.->|\A(subgraph|note|end)|\[.+\]|\A[^\[\]{}]+\z/))
      end
    end
  end
end
