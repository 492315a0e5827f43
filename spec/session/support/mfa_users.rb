# frozen_string_literal: true

require 'logger'
require 'stringio'

# A person with an MFA device at the local AWS, and sessions that have to ask.
module MfaUsers
  DEMO = 'arn:aws:iam::123456789012:user/demo'
  DEVICE = 'arn:aws:iam::123456789012:mfa/demo'
  WORKER = 'arn:aws:iam::123456789012:role/legion-worker'
  MFA_ROLE = 'arn:aws:iam::123456789012:role/mfa-only'
  IRSA_ROLE = 'arn:aws:iam::123456789012:role/irsa-app'

  Aws = Legion::Extensions::Identity::Aws

  # Gives the codes of the device one after the other, and remembers who asked for what, on which thread.
  class Person
    Question = Struct.new(:serial_number, :thread)

    attr_reader :questions

    # The block is called first, and may take its time.
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

  def mfa_session(person, **options)
    Aws::Session.new(role_arn: MFA_ROLE, serial_number: DEVICE, token_provider: person, **options)
  end

  def asked_of_sts(action = nil) = local_aws.requests(service: :sts, **{ action: action }.compact)

  # All role sessions that are given out from now on live so long.
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

  # A thread that waits for something, whose exception is for whoever asks for its value.
  def thread(&block)
    Thread.new(&block).tap { |thread| thread.report_on_exception = false }
  end

  def threads_of_ours = Thread.list.select { |thread| thread.name == 'lex-identity-aws' }
end

RSpec::Matchers.define_negated_matcher :exclude, :include

RSpec.configure { |config| config.include MfaUsers, :mfa_users }
