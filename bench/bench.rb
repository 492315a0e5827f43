# frozen_string_literal: true

require_relative 'figures'
require_relative 'measures'
require_relative 'rivals'
require_relative 'environment'

# One run: every measure, contestant after contestant, round after round, so that what else the machine does affects all of them.
class Bench
  ROUNDS = { start: 7, start_tls: 5, role: 5, readers: 3, stall: 3, tokens: 5, clients: 3, crowd: 2, off_aws_quick: 5, off_aws_slow: 2 }.freeze
  CROWD  = 64

  # Everything once, but for what takes seconds of waiting.
  QUICK_ROUNDS = ROUNDS.except(:off_aws_slow).transform_values { 1 }.freeze
  QUICK_CROWD  = 4

  def initialize(quick: false)
    @rounds = quick ? QUICK_ROUNDS : ROUNDS
    @crowd_size = quick ? QUICK_CROWD : CROWD
    @rivals = Rivals.all
    @samples = Hash.new { |samples, key| samples[key] = Hash.new { |rivals, rival| rivals[rival] = [] } }
  end

  # What results.json holds.
  def run
    started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    Environment.open do |environment|
      @measures = Measures.new(environment, crowd_size: @crowd_size)
      @rounds.values.max.times { |round| play(round, environment) }
    end
    results.merge(seconds: (Process.clock_gettime(Process::CLOCK_MONOTONIC) - started).round)
  end

  private

  def play(round, environment)
    $stderr.print "\rround #{round + 1} of #{@rounds.values.max} " if $stderr.tty?
    bare = environment.run_one(Rivals.bare, 'start')
    @samples[:memory][:bare] << bare[:memory_loaded]
    @rounds.each do |name, times|
      # The contestants take turns in being first after another measure.
      @rivals.rotate(round).each { |rival| keep(rival, @measures.send(name, rival), bare) } if round < times
    end
  end

  def keep(rival, said, bare)
    said.each do |key, value|
      value -= bare.fetch(key) if key.start_with?('memory_')
      @samples[key][rival.key] << value
    end
  end

  def results
    { rivals:  @rivals.to_h { |rival| [rival.key, rival.title] },
      figures: Figures::ALL.filter_map { |figure| [figure.key, row(figure)] if @samples.key?(figure.key) }.to_h,
      context: { memory_bare: median(@samples[:memory][:bare]), reads_plain: median_of(:reads_plain), p999_plain: median_of(:p999_plain) },
      crowd:   @crowd_size }
  end

  # The ratio is taken within each round, where the machine was equally busy for both, and then the median of those.
  def row(figure)
    samples = @samples[figure.key]
    ours = samples[:ours]
    @rivals.to_h do |rival|
      theirs = samples[rival.key]
      ratio = median(ours.zip(theirs).filter_map { |mine, other| figure.ratio(mine, other) }) unless rival.key == :ours
      [rival.key, { value: median(theirs), ratio: ratio, runs: theirs.map { |run| tidy(run) } }.compact]
    end
  end

  # Of the plain loop each contestant's process ran.
  def median_of(key) = median(@samples[key].values.flatten)

  def median(values)
    numbers = values.grep(Numeric).sort
    return values.first if numbers.empty?

    middle = numbers.size / 2
    tidy(numbers.size.odd? ? numbers[middle] : (numbers[middle - 1] + numbers[middle]) / 2.0)
  end

  # Three digits are more than these figures are worth, and a file that changes in few places is read more easily.
  def tidy(value)
    return value unless value.is_a?(Numeric) && value.finite? && value.nonzero?

    value.round(3 - Math.log10(value.abs).ceil)
  end
end
