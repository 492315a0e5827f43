# frozen_string_literal: true

require 'unit/support/gem_copy'

RSpec.describe Legion::Extensions::Identity::Aws do
  let(:copy) { GemCopy.new.tap(&:library) }

  after { copy.remove }

  # Prints what the code returns.
  def run(code)
    result = ruby_process(copy.code("p(begin\n#{code}\nend)"), env: copy.env)
    raise result.stderr unless result.success?

    result
  end

  # LegionIO as far as it looks at us while it loads.
  legion = <<~RUBY
    module Legion
      module Identity
        module Resolver
          def self.providers = @providers ||= []
          def self.register(provider)
            providers << provider unless providers.any? { |known| known.provider_name == provider.provider_name }
          end
        end
      end
      module Extensions
        module Core
          def autobuild = (@built = built + 1)
          def built = @built || 0
          %i[data cache crypt vault llm skills].each { |part| define_method(:"\#{part}_required?") { false } }
          %i[remote_invocable? mcp_tools? mcp_tools_deferred? sticky_tools? transport_required?].each { |name| define_method(name) { true } }
        end
      end
    end
  RUBY

  it 'needs nothing of LegionIO, prints nothing, and has the names of 0.1.0' do
    result = run('require ENTRY; AWS = Legion::Extensions::Identity::Aws
                  [AWS.provider_name, AWS.provider_type, AWS.facing, AWS.identity_provider?, AWS.remote_invocable?, AWS::SETTINGS_DEFAULTS,
                   AWS::Identity.provider_name, AWS.autobuild, AWS.singleton_class.include?(Kernel)]')
    expect(result.stdout).to eq("#{[:aws, :auth, :machine, true, false, described_class::SETTINGS_DEFAULTS, :aws, nil, true].inspect}\n")
    expect(result.stderr).to eq('')
  end

  it 'asks LegionIO for no actors, queues, tools or services' do
    asked = %i[remote_invocable? mcp_tools? mcp_tools_deferred? sticky_tools? transport_required? data_required? cache_required? crypt_required?
               vault_required? llm_required? skills_required?] # LegionIO's Core answers the last six itself
    expect(run("#{legion}; require ENTRY; #{asked.inspect}.map { |name| Legion::Extensions::Identity::Aws.public_send(name) }.uniq").stdout).to eq("[false]\n")
  end

  it 'registers where LegionIO is there' do
    result = run("#{legion}; require ENTRY; [Legion::Identity::Resolver.providers.map(&:provider_name), Legion::Extensions::Identity::Aws.singleton_class < Legion::Extensions::Core]")
    expect(result.stdout).to eq("[[:aws, :aws_profile], true]\n")
    expect(result.stderr).to eq('')
  end

  it 'is registered by autobuild where it was required before LegionIO, once though it is built twice' do
    result = run(<<~RUBY)
      require ENTRY
      #{legion}
      aws = Legion::Extensions::Identity::Aws
      aws.extend(Legion::Extensions::Core)
      2.times { aws.autobuild }
      [aws.built, Legion::Identity::Resolver.providers.size]
    RUBY
    expect(result.stdout).to eq("[2, 2]\n")
  end

  it 'comes through the shim, and a second copy of the same release adds nothing' do
    other = GemCopy.new
    other.library('raise "a second library in one process"')
    result = run(<<~RUBY)
      #{legion}
      require #{File.join(copy.root, 'lex-identity-aws').inspect}
      before = Legion::Extensions::Identity::Aws::Identity.current_credentials
      require #{other.entry.inspect}
      [before.equal?(Legion::Extensions::Identity::Aws::Identity.current_credentials), Legion::Identity::Resolver.providers.size]
    RUBY
    expect(result).to have_attributes(stdout: "[true, 2]\n", stderr: '')
  ensure
    other.remove
  end

  it 'refuses to be loaded beside another release, which goes on' do
    result = run(<<~RUBY)
      module Legion; module Extensions; module Identity; module Aws; VERSION = '0.1.0'; end; end; end; end
      begin
        require ENTRY
      rescue LoadError => e
        [e.message, Legion::Extensions::Identity::Aws::VERSION, Legion::Extensions::Identity::Aws.constants]
      end
    RUBY
    expect(result.stdout).to include('0.1.0 is loaded in this process', "so #{described_class::VERSION} (", 'Restart the process')
    expect(result.stdout).to end_with(%(, "0.1.0", [:VERSION]]\n))
    expect(result.stderr).to eq('')
  end

  it 'shows the settings in force' do
    with_env('AWS_REGION' => 'eu-west-1') { expect(described_class.settings).to include(region: 'eu-west-1', role_arn: nil, session_duration: 3600) }
  end
end
