# frozen_string_literal: true

require 'session/support/mfa_users'
require 'support/fiber_scheduler'

begin
  require 'async'
rescue LoadError
  # the examples with it are reported as pending
end

# Under a fiber scheduler a wait stops one fiber, and no other of its thread.
RSpec.describe 'A wait under a fiber scheduler', :mfa_users do
  aws = Legion::Extensions::Identity::Aws

  around { |example| with_env(local_aws.env_with_keys) { example.run } }

  def token = @token ||= local_aws.world.fetch('web_identity_tokens').keys.first

  def session(**options) = MfaUsers::Aws::Session.new(role_arn: MfaUsers::WORKER, **options)

  # Runs the blocks as fibers of one scheduler: their outcomes, and how often another fiber went on meanwhile.
  def fibers(*blocks, scheduler: FiberScheduler)
    outcomes = Array.new(blocks.size)
    left = blocks.size
    @ticks = 0
    scheduler.run do
      blocks.each_with_index do |block, index|
        Fiber.schedule do
          outcomes[index] = took(&block).first
        ensure
          left -= 1
        end
      end
      Fiber.schedule do
        while left.positive?
          sleep 0.01
          local_aws.remove_rule(@held) if (@ticks += 1) == 11 && @held
        end
      end
    end
    [outcomes, @ticks]
  end

  def slow(milliseconds = 400) = local_aws.rule(service: :sts, delay_ms: milliseconds)

  # STS answers once another fiber has gone on so often; were it stopped, the wait would end with a time-out.
  def held_until_ticks = @held = local_aws.rule(service: :sts, hold: true)

  %i[credentials identity refresh! prefetch].each do |verb|
    it "lets other fibers go on while one waits for #{verb}" do
      held_until_ticks
      shared = session
      outcomes, ticks = fibers(-> { shared.public_send(verb) && shared.credentials })
      expect(outcomes).to all(be_set)
      expect(ticks).to be > 10
    end
  end

  it 'lets other fibers go on while one waits for current_credentials, and for the doctor' do
    held_until_ticks
    outcomes, ticks = fibers(-> { aws::Identity.current_credentials.access_key_id }, -> { aws.doctor.findings.size })
    expect(outcomes).to match([be_a(String), be_positive])
    expect(ticks).to be > 10
  end

  it 'lets other fibers go on while one waits for an identity token' do
    shared = session.tap(&:credentials)
    held_until_ticks
    outcomes, ticks = fibers(-> { shared.identity_token(audience: 'api') })
    expect(outcomes).to match([have_attributes(kind: :identity)])
    expect(ticks).to be > 10
  end

  it 'shares one request among fibers, and its failure' do
    slow
    shared = session
    outcomes, = fibers(*Array.new(20) { -> { shared.credentials } })
    expect(outcomes.map(&:access_key_id).uniq.size).to eq(1)
    expect(asked_of_sts('AssumeRole').size).to eq(1)
    local_aws.rule(service: :sts, delay_ms: 200, answer: { error: { status: 403, code: 'AccessDenied', message: 'no' } }) do
      refused = session
      outcomes, = fibers(*Array.new(5) { -> { refused.credentials } })
      expect(outcomes).to all(be_a(aws::AccessDeniedError))
    end
    expect(asked_of_sts('AssumeRole').size).to eq(2)
    eventually { threads_of_ours.empty? }
  end

  it 'ends when an exception is raised in its fiber, and leaves the request to others' do
    hold = local_aws.rule(service: :sts, hold: true)
    shared = session
    waiting = nil
    outcomes, = fibers(-> { (waiting = Fiber.current) && shared.credentials }, lambda {
      sleep 0.1
      waiting.raise(IOError, 'enough')
      local_aws.remove_rule(hold)
    }, -> { shared.credentials })
    expect(outcomes.first).to be_a(IOError)
    expect(outcomes.last).to be_set
    expect(asked_of_sts('AssumeRole').size).to eq(1)
    eventually { threads_of_ours.empty? }
  end

  [FiberScheduler, FiberScheduler::WithTimeouts].each do |scheduler|
    describe "of the class #{scheduler}" do
      it 'answers callables, sources and a token_provider' do
        others = lambda do # at least six turns of other fibers
          before = @ticks
          sleep 0.01 until @ticks > before + 5
          true
        end
        @ticks = 0
        source = Struct.new(:given, :others) { def credentials = others.call && given }
        sessions = [session(role_arn: MfaUsers::IRSA_ROLE, web_identity_token: -> { others.call && token }),
                    session(source: source.new(session.credentials, others), role_arn: MfaUsers::WORKER.sub('legion-worker', 'from-worker-only')),
                    session(source: session, role_arn: MfaUsers::WORKER.sub('legion-worker', 'from-worker-only')),
                    mfa_session(->(_) { others.call && '111111' })]
        outcomes, ticks = fibers(*sessions.map { |each| -> { each.credentials } }, scheduler: scheduler)
        expect(outcomes).to all(be_set)
        expect(ticks).to be > 5
      end

      it 'has the time-out of a token_provider reach only the fiber that asked' do
        slow_provider = mfa_session(->(_) { sleep(5) }, token_timeout: 0.3)
        others = Array.new(3) { -> { 6.times { sleep 0.1 } && :done } }
        outcomes, = fibers(-> { slow_provider.credentials }, *others, scheduler: scheduler)
        expect(outcomes).to match([be_a(aws::TimeoutError), :done, :done, :done])
      end

      it 'raises in the fiber what a token_provider raises' do
        outcomes, = fibers(-> { mfa_session(->(_) { raise IOError, 'canary' }).credentials }, scheduler: scheduler)
        expect(outcomes.first).to be_a(aws::NoCredentialsError).and have_attributes(cause: be_a(IOError))
      end
    end
  end

  it 'finds a circle of sessions' do
    upper = nil
    lower = session(source: Struct.new(:get) { def credentials = get.call }.new(-> { upper.credentials }))
    upper = session(source: lower)
    outcomes, = fibers(-> { upper.credentials })
    expect(outcomes.first).to be_a(aws::ConfigurationError)
  end

  it 'goes on without other fibers where no thread can be started' do
    shared = session
    allow(Thread).to receive(:new).and_wrap_original do |original, *arguments, &block|
      raise ThreadError, "can't create Thread" if Fiber.current_scheduler

      original.call(*arguments, &block)
    end
    expect(fibers(-> { shared.credentials }).first).to all(be_set)
  end

  it 'is none where credentials are held: a read allocates nothing and starts no thread' do
    shared = session
    held = shared.credentials
    outcomes, = fibers(lambda {
      100.times { shared.credentials }
      allocated = Array.new(3) do # other threads may allocate in between
        before = GC.stat(:total_allocated_objects)
        1000.times { shared.credentials }
        GC.stat(:total_allocated_objects) - before
      end
      [allocated.min, shared.credentials.equal?(held), threads_of_ours.size]
    })
    expect(outcomes).to match([[be < 10, true, 0]])
  end

  describe 'of the gem async' do
    before { skip 'the gem async is not installed here' unless respond_to?(:Async, true) }

    it 'lets other tasks go on, and ends with the time-out of a task' do
      slow
      shared = session
      ticks = 0
      timed_out = read = nil
      Async do |task|
        ticking = task.async do |ticker|
          loop do
            ticker.sleep(0.01)
            ticks += 1
          end
        end
        impatient = task.async do |short|
          short.with_timeout(0.1) { shared.credentials }
        rescue Async::TimeoutError => e
          (timed_out = e).nil? # the value of a task must be no exception
        end
        readers = Array.new(5) { task.async { shared.credentials } }
        impatient.wait
        read = readers.map(&:wait)
      ensure
        ticking.stop
      end
      expect(timed_out).to be_a(Async::TimeoutError)
      expect(read.map(&:access_key_id).uniq.size).to eq(1)
      expect(ticks).to be > 10
      expect(asked_of_sts('AssumeRole').size).to eq(1)
    end
  end
end
