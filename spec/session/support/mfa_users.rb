# frozen_string_literal: true

require 'logger'
require 'stringio'

# Users with MFA devices at the local AWS, and sessions with a token_provider.
module MfaUsers
  DEMO = 'arn:aws:iam::123456789012:user/demo'
  DEVICE = 'arn:aws:iam::123456789012:mfa/demo'
  WORKER = 'arn:aws:iam::123456789012:role/legion-worker'
  MFA_ROLE = 'arn:aws:iam::123456789012:role/mfa-only'
  IRSA_ROLE = 'arn:aws:iam::123456789012:role/irsa-app'

  Aws = Legion::Extensions::Identity::Aws

  # A token_provider that gives the codes of the device in order, and records serial number and thread of each prompt.
  class CodeProvider
    Question = Struct.new(:serial_number, :thread)

    attr_reader :questions

    # The block is called before each code is given; it may wait.
    def initialize(codes: ('1'..'9').map { |digit| digit * 6 }, &block)
      @codes = codes
      @block = block
      @questions = Queue.new
      @said = []
    end

    def call(serial_number)
      @questions << Question.new(serial_number, Thread.current)
      @block&.call
      @codes.shift
    end

    def asked = @questions.size
  end

  def mfa_session(token_provider, **options)
    Aws::Session.new(role_arn: MFA_ROLE, serial_number: DEVICE, token_provider: token_provider, **options)
  end

  def asked_of_sts(action = nil) = local_aws.requests(service: :sts, **{ action: action }.compact)

  # Sets the lifetime of all credentials issued from now on.
  def lifetime(seconds, **rule) = local_aws.rule(service: :sts, lifetime_seconds: seconds, **rule)

  def outage(**rule, &)
    local_aws.rule(service: :sts, answer: { error: { status: 503, code: 'ServiceUnavailable', message: 'down' } }, **rule, &)
  end

  def eventually(limit = 10)
    deadline = now + limit
    until yield
      raise "not within #{limit} s" if now > deadline

      sleep 0.005
    end
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

  # What the block returned or raised, and the seconds it took.
  def took
    started = now
    result = begin
      yield
    rescue StandardError => e
      e
    end
    [result, now - started]
  end

  # A thread whose exception is raised by #value and not reported.
  def thread(&block)
    Thread.new(&block).tap { |thread| thread.report_on_exception = false }
  end

  # The threads of this example: sessions of other examples may have listeners still, and a thread with them.
  def threads_of_ours = Thread.list.select { |thread| thread.name == 'lex-identity-aws' } - @threads_before
end

RSpec::Matchers.define_negated_matcher :exclude, :include

RSpec.configure do |config|
  config.include MfaUsers, :mfa_users
  config.before(:example, :mfa_users) { @threads_before = Thread.list }
end
