#!/usr/bin/env ruby
# frozen_string_literal: true

# Measures how long a read of the credentials takes while they are refreshed repeatedly, and for comparison a read of a plain
# attribute: with this many threads Ruby's lock alone makes some reads of both wait.
#
#   rake compile fake_aws && spec/native/read_latency.rb [refreshes (10)] [threads (64)]
#
# The local AWS issues credentials with a lifetime of 302 s, so that they are due for a refresh after 2 s, and answers after 200 ms.

$LOAD_PATH.unshift(File.expand_path('..', __dir__), File.expand_path('../../lib', __dir__))
require 'support/environment'
Environment.clean!
require 'support/local_aws'
require 'native/support/native_session'

# Counts times in buckets of an eighth of a power of two; allocates nothing.
class Times
  attr_reader :counts

  def initialize
    @counts = Array.new(512, 0)
  end

  # The index of a bucket: the number of bits, and the three bits after the first.
  def add(nanoseconds)
    bits = nanoseconds.bit_length
    @counts[(bits * 8) + (bits > 3 ? (nanoseconds >> (bits - 4)) & 7 : 0)] += 1
  end

  def merge(other)
    other.counts.each_with_index { |count, place| @counts[place] += count }
    self
  end

  def size = @counts.sum

  # The percentile, in microseconds.
  def within(share)
    left = size * share
    bits, eighth = @counts.index { |count| (left -= count) <= 0 }.divmod(8)
    bits > 3 ? ((9 + eighth) << (bits - 4)) / 1000.0 : 0.01
  end
end

# A plain attribute.
Plain = Struct.new(:credentials)

# Times each read in this many threads, until the block returns true for the credentials read and the time. Then no thread reads again: on
# a slow machine some come so late that a further refresh would be due.
def read(subject, threads)
  ended = false
  readers = Array.new(threads) do
    Thread.new do
      times = Times.new
      until ended
        started = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
        read    = subject.credentials
        done    = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
        times.add(done - started)
        ended = true if yield(read, done)
      end
      times
    end
  end
  readers.map(&:value).reduce(:merge)
end

def show(what, times)
  columns = { p50: 0.5, p99: 0.99, 'p99.9': 0.999, longest: 1 }.map { |name, share| "#{name} #{times.within(share).round(2).to_s.rjust(10)} us" }
  puts [what.ljust(11), times.size.to_s.rjust(10), 'reads', *columns].join('  ')
end

refreshes, threads = [10, 64].zip(ARGV).map { |default, given| Integer(given || default) }
aws = LocalAws.start
ENV.update(aws.env_with_keys)
aws.rule(action: 'AssumeRole', lifetime_seconds: 302, delay_ms: 200)

session = NativeSession::Aws::Session.new(**NativeSession::LONG_TIMEOUTS)
session.credentials # the first read waits: nothing is held yet
before  = session.counters[:cached]
started = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
seen    = {}
times   = read(session, threads) do |credentials, _|
  seen[credentials.access_key_id] = true
  seen.size > refreshes
end
elapsed = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond) - started
requests = aws.requests(action: 'AssumeRole').size
limit = started + elapsed + [elapsed, 3_000_000_000].min
plain = read(Plain.new(session.credentials(fetch: false)), threads) { |_, at| at > limit }

puts "Ruby #{RUBY_VERSION}, #{threads} threads, #{seen.size} credentials"
show('session', times)
show('attr_reader', plain)
puts "#{times.size - (session.counters[:cached] - before)} reads waited for AWS; #{requests} AssumeRole requests"
aws.stop
