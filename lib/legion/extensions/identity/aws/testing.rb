# frozen_string_literal: true

require_relative '../aws'
require_relative 'testing/frameworks'
require_relative 'testing/interception'
require_relative 'testing/requests'
require_relative 'testing/stack'

module Legion
  module Extensions
    module Identity
      module Aws
        # For specs of programs that use this gem: an identity, credentials and tokens without AWS and without a network. Not loaded by
        # default.
        #
        #   require 'legion/extensions/identity/aws/testing'
        #
        #   it 'signs with the credentials of the machine' do
        #     Legion::Extensions::Identity::Aws::Testing.stub(identity: 'arn:aws:iam::123456789012:user/demo')
        #     …
        #   end
        #
        # A stub is removed where it was made: after the example; in `before(:all)` after the group; in `before(:suite)`, spec_helper.rb or
        # test_helper.rb with the process; with a block, after the block. Of several the last one answers. It answers for every
        # {Session}, those made before included, and for {Identity}, in all threads. Settings are read and checked as without it.
        module Testing
          # The ARN of a stub that is given none.
          IDENTITY = 'arn:aws:sts::123456789012:assumed-role/stubbed-role/stubbed-session'
          # The credentials of a stub that is given none. They expire in an hour.
          CREDENTIALS = { access_key_id: 'ASIASTUBSTUBSTUBSTUB', secret_access_key: 'stubbed-secret-access-key', session_token: 'stubbed-session-token' }.freeze

          # What would have gone to the network while {forbid_network!} is in force. As in WebMock no `rescue => e` of the code under test
          # hides it.
          class NetworkForbiddenError < ::Exception # rubocop:disable Lint/InheritException -- see above
          end

          STACK = Stack.new
          # Whether requests are forbidden, for the whole process.
          NETWORK = ::Struct.new(:forbidden).new(false)
          REQUESTS = Requests.new
          private_constant :STACK, :NETWORK, :REQUESTS

          class << self
            # Answers in place of AWS from now on. Listeners of {Session#on_change} are told before it returns: with credentials it is a
            # renewal (`:refreshed`), with an error a `:refresh_failed`.
            #
            # @param identity [String, Hash, Exception, Class, nil] an ARN as GetCallerIdentity returns it; or a Hash with `arn` and other
            #   fields of {CallerIdentity} (`canonical_name`, `user_id`, `region`, …); or an error to raise; nil: not on AWS
            # @param credentials [Credentials, Hash, Exception, Class, nil] or a Hash of what differs from {CREDENTIALS} (also
            #   `expiration`, a Time, `account_id`, `region`); or an error to raise; nil: there are none
            # @yield with the stub in place; without a block it stays until the example, the group or the suite is over
            # @return [Object] what the block returned; without one, nil
            # @raise [ArgumentError] for anything else, and without a block if neither RSpec nor Minitest is loaded
            def stub(identity: IDENTITY, credentials: {})
              unless block_given? || Frameworks.attach
                raise ::ArgumentError, 'stub without a block is removed by RSpec or Minitest, and neither is loaded. Give it a block.'
              end

              added = STACK.push(identity, credentials, block_given? ? :block : Frameworks.scope)
              Interception.deliver
              return unless block_given?

              begin
                yield
              ensure
                STACK.remove(added)
              end
            end

            # What was asked of stubs since the example began: each request of each session once, in order.
            #
            #   expect(Testing.requests.map(&:role_arn)).to include('arn:aws:iam::123456789012:role/deployer')
            #
            # @return [Array<Request>]
            def requests = REQUESTS.all

            # From now on raises {NetworkForbiddenError} for what would send a request and has no stub: reads of a {Session}, {Identity},
            # and {Aws.doctor}, which no stub answers for. Meant for spec_helper.rb; in force until {allow_network!}.
            #
            # @return [void]
            def forbid_network!
              NETWORK.forbidden = true
              nil
            end

            # Ends {forbid_network!}; with a block, for the block, in all threads.
            #
            # @yield with requests allowed
            # @return [Object] what the block returned; without one, nil
            def allow_network!
              before = NETWORK.forbidden
              NETWORK.forbidden = false
              return unless block_given?

              begin
                yield
              ensure
                NETWORK.forbidden = before
              end
            end

            # Removes all stubs, those of the group and the suite included, and forgets the requests.
            #
            # @return [void]
            def reset
              STACK.clear
              REQUESTS.clear
              nil
            end

            # @api private
            # @param scope [Object] the example, the group or the suite that is over
            # @return [void]
            def ended(scope)
              STACK.end_scope(scope)
              REQUESTS.clear
            end

            # @api private
            # @return [Stub, nil] the one in force
            def current = STACK.top

            # @api private
            # @param native [Internal::Native::Session]
            # @param what [Symbol]
            # @param words [Hash{Symbol => Object}]
            # @return [void]
            def record(native, what, words) = REQUESTS.add(native, what, words)

            # @api private
            # @param what [String]
            # @return [void]
            # @raise [NetworkForbiddenError]
            def check_network(what)
              return unless NETWORK.forbidden

              raise NetworkForbiddenError, "A request to AWS is forbidden here (#{what}): Testing.forbid_network! is in force, and no stub is. " \
                                           'Stub it with Testing.stub, or let it through with Testing.allow_network!.'
            end
          end

          Interception.install
          Frameworks.attach
        end
      end
    end
  end
end
