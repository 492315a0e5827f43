# frozen_string_literal: true

require 'tmpdir'
require 'testing/support/told'

RSpec.describe 'Aws::Testing.stub' do
  include Told

  it 'is not loaded by default' do
    result = ruby_process("require 'legion/extensions/identity/aws'\np Legion::Extensions::Identity::Aws.const_defined?(:Testing)")
    expect(result.stdout).to eq("false\n")
  end

  it 'answers for every session, for LegionIO\'s provider and in all threads, without a request' do
    lines = told(<<~RUBY)
      Aws::Testing.stub(identity: 'arn:aws:sts::210987654321:assumed-role/Legion.Worker/i-0abc', credentials: { account_id: '210987654321' }) do
        puts BEFORE.identity.canonical_name, Aws::Session.new(region: 'eu-west-1').identity.account, Aws::Identity.resolve[:canonical_name]
        puts Thread.new { BEFORE.credentials.access_key_id }.value, CURRENT.access_key_id, CURRENT.account_id, BEFORE.refresh!.session_token
        puts Aws::Identity.provide_token.valid?, BEFORE.set?, BEFORE.credentials.expired?, BEFORE.expiration > Time.now + 3500
        puts BEFORE.prefetch, BEFORE.needs_refresh?, BEFORE.invalidate('ASIASTUBSTUBSTUBSTUB'), BEFORE.attempts.inspect, BEFORE.counters[:fetches]
      end
    RUBY
    expect(lines).to eq(%w[legion_worker 210987654321 legion_worker ASIASTUBSTUBSTUBSTUB ASIASTUBSTUBSTUBSTUB 210987654321 stubbed-session-token
                           true true false true false false true [] 0])
  end

  it 'ends with its block, and the stub around it applies again' do
    expect(told(<<~RUBY)).to eq(%w[outer inner outer NotOnAwsError NotOnAwsError] + [''])
      name = -> { said { BEFORE.identity.canonical_name } }
      Aws::Testing.stub(identity: 'arn:aws:iam::123456789012:user/outer') do
        puts name.call
        Aws::Testing.stub(identity: 'arn:aws:iam::123456789012:user/inner') { puts name.call }
        puts name.call
      end
      puts name.call, said { BEFORE.credentials }, Aws::Identity.resolve.inspect.delete_prefix('nil')
    RUBY
  end

  it 'ends where its block raises' do
    expect(told(<<~RUBY)).to eq(%w[KeyError NotOnAwsError])
      puts said { Aws::Testing.stub { {}.fetch(:x) } }, said { BEFORE.identity }
    RUBY
  end

  it 'stubs a machine off AWS, and errors' do
    expect(told(<<~RUBY)).to eq(%w[nil NotOnAwsError false NoCredentialsError AccessDeniedError ThrottledError ThrottledError])
      Aws::Testing.stub(identity: nil, credentials: nil) do
        p Aws::Identity.resolve
        puts said { BEFORE.identity }, BEFORE.set?, said { BEFORE.credentials }
      end
      Aws::Testing.stub(identity: Aws::AccessDeniedError.new('no', code: 'AccessDenied'), credentials: Aws::ThrottledError) do
        puts said { BEFORE.identity }, said { CURRENT.credentials }, said { Aws::Identity.provide_token }
      end
    RUBY
  end

  it 'accepts Credentials, and a Hash of the fields that differ' do
    expect(told(<<~RUBY)).to eq(%w[AKIAX nil user someone eu-west-1])
      Aws::Testing.stub(credentials: Aws::Credentials.new('AKIAX', 's')) { puts BEFORE.credentials.access_key_id; p BEFORE.credentials.expiration }
      Aws::Testing.stub(identity: { arn: 'arn:aws:iam::123456789012:user/demo', canonical_name: 'someone', region: 'eu-west-1' }) do
        puts BEFORE.identity.kind, BEFORE.identity.canonical_name, BEFORE.identity.region
      end
    RUBY
  end

  it 'refuses unknown arguments' do
    expect(told(<<~RUBY)).to eq(%w[ArgumentError ArgumentError ArgumentError ArgumentError ConfigurationError ServiceError])
      puts said { Aws::Testing.stub(credentials: { secret: 'x' }) {} }, said { Aws::Testing.stub(identity: 7) {} }
      puts said { Aws::Testing.stub(identity: { name: 'demo' }) {} }
      puts said { Aws::Testing.stub }
      Aws::Testing.stub { puts said { Aws::Session.new(region: 'no region') } }
      puts said { Aws::Testing.stub(identity: 'arn:nonsense') {} }
    RUBY
  end

  it 'answers every method of the native session' do
    expect(told(<<~RUBY)).to eq(['none'])
      verbs = Aws::Internal::Native::Session.public_instance_methods(false) - %i[settings warnings inspect]
      native = Aws::Internal::Native::Session.new(Aws::Internal::Layers.opened(Aws::Internal::Layers.of(Aws::Internal::Secret.new({}))))
      arguments = { invalidate: ['x'], events: [0], start: [1, :refresh, nil], wait: [1, []], answer: [1, 'x'], leave: [1], :web_identity_token= => ['x'] }
      Aws::Testing.stub do
        failed = verbs.reject { |verb| said { native.public_send(verb, *arguments[verb]) } != 'ArgumentError' }
        puts failed.empty? ? 'none' : failed.inspect
      end
    RUBY
  end

  it 'ends with the example in RSpec, wherever the file is required' do
    spec = <<~RUBY
      require 'legion/extensions/identity/aws'
      Aws = Legion::Extensions::Identity::Aws
      RSpec.configure { |config| config.order = :defined }
      RSpec.describe 'stub' do
        let(:session) { Aws::Session.new }
        it 'lasts for an example' do
          require 'legion/extensions/identity/aws/testing'
          Aws::Testing.stub
          expect(session.identity.canonical_name).to eq('stubbed-role')
        end
        it('and no longer') { expect { session.identity }.to raise_error(Aws::NotOnAwsError) }
        describe 'in before' do
          before { Aws::Testing.stub(identity: 'arn:aws:iam::123456789012:user/demo') }
          it('lasts for an example too') { expect(session.identity.canonical_name).to eq('demo') }
        end
        it('and no longer either') { expect { session.identity }.to raise_error(Aws::NotOnAwsError) }
      end
    RUBY
    result = specified(spec)
    expect(result.stdout).to include('4 examples, 0 failures'), result.output
  end

  it 'ends with the test in Minitest' do
    result = ruby_process(<<~RUBY)
      require 'minitest/autorun'
      require 'legion/extensions/identity/aws/testing'
      class StubTest < Minitest::Test
        i_suck_and_my_tests_are_order_dependent!
        Aws = Legion::Extensions::Identity::Aws
        def test_1
          Aws::Testing.stub
          assert_equal 'stubbed-role', Aws::Session.new.identity.canonical_name
        end
        def test_2 = assert_raises(Aws::NotOnAwsError) { Aws::Session.new.identity }
      end
    RUBY
    expect(result.stdout).to include('2 runs, 2 assertions, 0 failures, 0 errors'), result.output
  end
end
