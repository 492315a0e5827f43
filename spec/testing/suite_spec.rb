# frozen_string_literal: true

require 'tmpdir'
require 'testing/support/told'

RSpec.describe 'Aws::Testing.stub for a whole suite' do
  include Told

  it 'ends in RSpec where it was made: with the example, the group, the suite' do
    result = specified(<<~RUBY)
      require 'legion/extensions/identity/aws/testing'
      Aws = Legion::Extensions::Identity::Aws
      def stubbed(name) = Aws::Testing.stub(identity: "arn:aws:iam::123456789012:user/\#{name}")
      def name = Aws::Session.new.identity.canonical_name
      RSpec.configure do |config|
        config.order = :defined
        config.before(:suite) { stubbed('suite') }
      end
      RSpec.describe 'suite' do
        it('has it in the first example') { expect(name).to eq('suite') }
        it('has it in the second example') { expect(name).to eq('suite') }
        describe 'a group' do
          before(:all) { stubbed('group') }
          it('has its own') { expect(name).to eq('group') }
          it('has it in each example') { expect(name).to eq('group') }
          describe 'inside' do
            before(:all) { stubbed('inner') }
            it('has its own') { expect(name).to eq('inner') }
            it('has that of an example') { stubbed('example'); expect(name).to eq('example') }
            it('has its own again') { expect(name).to eq('inner') }
          end
          describe 'and then' do
            around { |example| stubbed('around'); example.run }
            it('has that of an around hook') { expect(name).to eq('around') }
          end
          it('has its own to the end') { expect(name).to eq('group') }
        end
        describe('another') { it('has that of the suite') { expect(name).to eq('suite') } }
        describe 'reset' do
          it('removes all') { Aws::Testing.reset; expect { name }.to raise_error(Aws::NotOnAwsError) }
        end
      end
    RUBY
    expect(result.stdout).to include('11 examples, 0 failures'), result.output
  end

  it 'leaves the formatter of the command line alone' do
    spec = <<~RUBY
      require 'legion/extensions/identity/aws/testing'
      Legion::Extensions::Identity::Aws::Testing.stub
      RSpec.describe('said') { it('once') { nil } }
    RUBY
    Dir.mktmpdir do |folder|
      File.write("#{folder}/a_spec.rb", spec)
      result = ruby_process("require 'rspec/core'\nexit RSpec::Core::Runner.run(%w[--options /dev/null --format documentation] << '#{folder}/a_spec.rb')")
      expect(result.stdout.scan('once').size).to eq(1), result.output
    end
  end

  it 'ends in Minitest with the process' do
    result = ruby_process(<<~RUBY)
      require 'minitest/autorun'
      require 'legion/extensions/identity/aws/testing'
      Aws = Legion::Extensions::Identity::Aws
      def stubbed(name) = Aws::Testing.stub(identity: "arn:aws:iam::123456789012:user/\#{name}")
      stubbed('suite')
      class SuiteTest < Minitest::Test
        i_suck_and_my_tests_are_order_dependent!
        def name_there = Aws::Session.new.identity.canonical_name
        def test_1 = assert_equal('suite', name_there)
        def test_2
          stubbed('test')
          assert_equal 'test', name_there
        end
        def test_3 = assert_equal('suite', name_there)
      end
    RUBY
    expect(result.stdout).to include('3 runs, 3 assertions, 0 failures, 0 errors'), result.output
  end
end
