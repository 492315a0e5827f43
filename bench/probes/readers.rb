# frozen_string_literal: true

# 64 threads read the credentials of a role while they are refreshed; then the same loop over a plain attr_reader.
class Readers
  THREADS = 64
  SECONDS = 0.8 # less than STS takes
  # Of so many reads one is timed, so that the clock hardly counts.
  SAMPLE = 20

  Plain = Struct.new(:credentials)

  attr_reader :per_second

  def initialize(source)
    @source = source
    gate = Queue.new
    threads = Array.new(THREADS) { Thread.new { gate.pop || read } } # rubocop:disable ThreadSafety/NewThread -- what is measured
    Thread.pass until threads.all?(&:stop?)
    @deadline = now + (SECONDS * 1_000_000_000).to_i
    gate.close # all at once
    counts, @times = threads.map(&:value).transpose
    @per_second = counts.sum / SECONDS
  end

  # Microseconds.
  def percentile(percent)
    times = @times.flatten.sort
    times.fetch((times.size * percent / 100.0).floor) / 1000.0
  end

  private

  # Counts the reads that finished in time, and times those that began in time.
  def read
    count = 0
    times = []
    source = @source
    loop do
      started = now
      break if started > @deadline

      source.credentials
      finished = now
      times << (finished - started)
      (SAMPLE - 1).times { source.credentials }
      count += SAMPLE if finished < @deadline
    end
    [count, times]
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
end

Contestant.load
source = Contestant.role(ENV.fetch('BENCH_ROLE'))
plain = Readers::Plain.new(source)
sleep ARGV.fetch(2).to_f # until they are due
Thread.new { source.credentials } # rubocop:disable ThreadSafety/NewThread -- it may have to wait
sleep 0.1 # the request is on its way

{ '' => source, '_plain' => plain }.each do |suffix, object|
  readers = Readers.new(object)
  RunOne.say("reads#{suffix}", readers.per_second)
  RunOne.say("p999#{suffix}", readers.percentile(99.9))
end
