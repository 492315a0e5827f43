# frozen_string_literal: true

require 'support/local_aws'
require 'legion/extensions/identity/aws'

# A session of credentials that live 20 s, in real time: read at random pauses, with STS failing, refusing and stalling by turns, forks and
# interrupts between. Checks at every read that expired credentials are handed out only in a back-off that began when a fetch failed, that
# no call outlives its limit by more than a second, and at the end that threads and descriptors are as at the beginning.
#
#   Soak.new(seconds: 600).run
class Soak
  Aws = Legion::Extensions::Identity::Aws
  LIFETIME = 20
  # Of a read: the session's limit, and what it may be over it.
  LIMIT = 2.0
  SLACK = 1.0
  # A back-off lasts at most a third of the lifetime.
  LONGEST_BACK_OFF = LIFETIME / 3.0
  # The readers by their longest pause: one is always there, one is away longer than credentials live.
  PAUSES = { 'busy' => 0.2, 'steady' => 5.0, 'idle' => 90.0 }.freeze
  # What STS does by turns, and for how long at most, in seconds.
  MOODS = {
    healthy: nil, failing: { answer: { error: { status: 503, code: 'ServiceUnavailable', message: 'down' } } },
    refusing: { answer: { error: { status: 403, code: 'AccessDenied', message: 'no' } } }, stalling: { answer: 'hang' }, dropping: { answer: 'drop' }
  }.freeze

  class Poke < StandardError; end

  # What went wrong, and the figures.
  attr_reader :violations, :figures

  def initialize(seconds:, pauses: PAUSES, slack: SLACK, seed: Random.new_seed, out: $stdout)
    @slack = slack
    @seconds = seconds
    @pauses = pauses
    @random = Random.new(seed)
    @out = out
    @violations = Queue.new
    @counts = Hash.new(0)
    @longest = Hash.new(0.0)
    @reading = {}
    @lock = Mutex.new
    say "#{seconds} s, seed #{seed}"
  end

  # @return [Boolean] whether all rules held
  def run
    @aws = LocalAws.start
    with_keys do
      @aws.rule(service: :sts, action: 'AssumeRole', lifetime_seconds: LIFETIME)
      @session = Aws::Session.new(role_arn: 'arn:aws:iam::123456789012:role/legion-worker', resolve_timeout: LIMIT, connect_timeout: 1, read_timeout: 1)
      soak
    end
    report
    @violations.empty?
  ensure
    @aws&.stop
  end

  private

  def soak
    @session.credentials
    sleep 0.5
    before = resources
    @stop_at = now + @seconds
    threads = [*readers, *pokers, weather, forker]
    threads.each(&:join)
    clear_weather
    after = resources_at_the_end(before)
    @figures = { threads: [before, after].map(&:first), descriptors: [before, after].map(&:last) }
    violate("threads and descriptors were #{before}, and are #{after}: #{thread_states}") unless after.zip(before).all? { |now, then_| now <= then_ }
  end

  # Ruby 3.1 keeps native threads that have ended for 3 s, and a fetch may take its limit.
  def resources_at_the_end(before)
    finish = now + 15
    sleep 0.1 until now > finish || resources.zip(before).all? { |now, then_| now <= then_ }
    resources
  end

  def readers
    @readers = @pauses.map do |name, longest|
      Thread.handle_interrupt(Poke => :never) do
        Thread.new do
          pause = Random.new(@random.seed ^ name.hash)
          until over?
            read(name, %i[credentials credentials credentials identity refresh!].sample(random: pause))
            rest(pause.rand(longest))
            forget_late_poke
          end
        end
      end
    end
  end

  def forget_late_poke
    Thread.handle_interrupt(Poke => :immediate) { Thread.pass }
  rescue Poke
    nil
  end

  # One call, which a Poke may interrupt.
  def read(name, verb)
    started = now
    @reading[name] = Thread.current
    held = Thread.handle_interrupt(Poke => :immediate) { @session.public_send(verb) }
    check(name, held) if verb == :credentials
    count(name, verb, :ok)
  rescue Poke
    count(name, verb, :interrupted)
  rescue Aws::Error => e
    count(name, verb, e.class.name.split('::').last)
  ensure
    @reading.delete(name)
    took = now - started
    @lock.synchronize { @longest[verb] = [@longest[verb], took].max }
    violate("#{verb} took #{took.round(1)} s") if took > LIMIT + @slack
  end

  # Rule: expired credentials are handed out only while a back-off runs that began when a fetch failed.
  def check(name, held)
    over = Time.now - held.expiration
    return unless over > 0.05 # the read may have been before

    count(name, :credentials, :expired)
    @failed_at = now if @session.counters[:failures] != @failures # just now; the next look of #watch says so too
    age = @failed_at ? now - @failed_at : Float::INFINITY
    return if age <= LONGEST_BACK_OFF + SLACK && held.degraded

    violate("#{name} got credentials that expired #{over.round(2)} s ago; the last failure is #{age.round(2)} s ago, degraded: #{held.degraded.inspect}")
  end

  def pokers
    [Thread.new do
      random = Random.new(@random.seed)
      until over?
        rest(random.rand(50).zero? ? LIMIT * 4 : random.rand(0.2)) # a call shall reach its limit now and then
        @reading.values.sample(random: random)&.raise(Poke)
      end
    end]
  end

  def weather
    Thread.new do
      random = Random.new(@random.seed + 1)
      until over?
        mood = MOODS.keys.sample(random: random)
        count('STS', mood, :turn)
        @mood = MOODS[mood] && @aws.rule(service: :sts, **MOODS[mood])
        watch(random.rand(LIFETIME * 1.2))
        clear_weather
        watch(random.rand(LIFETIME * 0.6))
      end
    end
  end

  # Remembers when a fetch last failed, for as long as this mood lasts.
  def watch(seconds)
    finish = [now + seconds, @stop_at].min
    while now < finish
      failures = @session.counters[:failures]
      @failed_at = now if failures != @failures
      @failures = failures
      sleep 0.02
    end
  end

  def clear_weather
    @aws.remove_rule(@mood) if @mood
    @mood = nil
  end

  # Children that read, as a preloading server's.
  def forker
    Thread.new do
      random = Random.new(@random.seed + 2)
      until over?
        rest(random.rand(6.0))
        failed_at = @failed_at
        pid = fork { child(failed_at) }
        _, status = Process.wait2(pid)
        count('child', :credentials, status.exitstatus.to_s)
        violate("a child ended with #{status}") unless [0, 1].include?(status.exitstatus)
      end
    end
  end

  # Exits with 0 for credentials that are good or in a back-off, 1 for an error, 2 for expired ones, 3 for a call that took too long.
  def child(failed_at)
    started = now
    held = @session.credentials
    backs_off = held.degraded && now - (failed_at || started) <= LONGEST_BACK_OFF + LIMIT + @slack
    exit!(2) if held.expired? && !backs_off
    exit!(now - started > LIMIT + @slack ? 3 : 0)
  rescue Aws::Error
    exit!(now - started > LIMIT + @slack ? 3 : 1)
  end

  def over? = now >= @stop_at

  # Sleeps, but not past the end.
  def rest(seconds) = sleep(seconds.clamp(0, [@stop_at - now, 0].max))

  # Threads by the kernel's list, which has those of fetches too; descriptors.
  def resources = [Dir.children('/proc/self/task').size, Dir.children('/proc/self/fd').size]

  # The name, the state and the system call of each.
  def thread_states
    Dir.glob('/proc/self/task/*').map { |thread| "#{File.read("#{thread}/stat")[/\((.*\) \w)/, 1]} #{File.read("#{thread}/syscall").chomp}" }
  end

  def count(*what) = @lock.synchronize { @counts[what.join(' ')] += 1 }

  def violate(text)
    @violations << text
    say "VIOLATION: #{text}"
  end

  def say(text) = @out&.puts("soak: #{text}")

  def report
    @figures.update(counts: @counts.sort.to_h, longest: @longest.transform_values { |seconds| seconds.round(2) }, session: @session.counters,
                    violations: @violations.size)
    @figures.each { |name, value| say "#{name}: #{value}" }
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

  def with_keys
    before = ENV.to_h
    ENV.update(@aws.env_with_keys.merge('AWS_EC2_METADATA_DISABLED' => 'true'))
    yield
  ensure
    ENV.replace(before)
  end
end
