# frozen_string_literal: true

# Collects where the others differ from us, and says it in the end.
class Differences
  Row = Struct.new(:name, :ours, :others, :because, keyword_init: true)

  # Of so many random configurations at least every fifth must yield a principal, or they are no test.
  ENOUGH = 50

  def initialize
    @rows = []
    @agreed = 0
    @random = { asked: 0, principals: 0 }
    @differing = Hash.new { |hash, who| hash[who] = [] }
  end

  # A configuration written by hand.
  #
  # @param answers [Hash{Symbol => Panel::Answer}]
  # @param because [String, nil] why they differ
  def add(name, answers, because)
    ours = answers.fetch(:ours).principal
    others = answers.reject { |_, answer| answer.principal == ours }
    return @agreed += 1 if others.empty?

    @rows << Row.new(name: name, ours: ours, others: others.transform_values(&:principal), because: because)
  end

  # One made by chance: who differs is counted, not explained.
  def add_random(number, answers)
    ours = answers.fetch(:ours).principal
    @random[:asked] += 1
    @random[:principals] += 1 if ours
    answers.each { |who, answer| @differing[who] << number unless answer.principal == ours }
  end

  def too_few_principals? = @random[:asked] >= ENOUGH && @random[:principals] * 5 < @random[:asked]

  # @param names [Hash{Symbol => String}] who is asked
  # @return [String]
  def report(names, seed)
    [*(by_hand(names) if @rows.any?), *(by_chance(names, seed) if @random[:asked].positive?)].join("\n")
  end

  private

  def by_hand(names)
    reasons = @rows.group_by(&:because).sort_by { |because, _| because.to_s }
    ["#{@rows.size + @agreed} configurations by hand: #{names.values.join(', ')}. All agree on #{@agreed}. Where they do not:",
     *reasons.flat_map { |because, rows| ["  #{because || 'NOT LISTED'}", *rows.sort_by(&:name).map { |row| "    - #{difference(row, names)}" }] }]
  end

  def difference(row, names)
    others = row.others.map { |who, principal| "#{names.fetch(who)} #{principal ? "says #{principal}" : 'refuses'}" }
    "#{row.name}: we #{row.ours ? "say #{row.ours}" : 'refuse'}, #{others.join(', ')}"
  end

  def by_chance(names, seed)
    ["#{@random[:asked]} random configurations, INTEROP_SEED=#{seed}: #{@random[:principals]} yield a principal, the rest is refused.",
     *@differing.map { |who, numbers| "  #{names.fetch(who)} differs in #{numbers.size}: #{numbers.sort_by(&:to_s).join(' ')}" }]
  end
end
