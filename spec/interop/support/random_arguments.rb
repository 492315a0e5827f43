# frozen_string_literal: true

require 'json'

# Arguments of AssumeRole by chance, the same for the same seed: what the name of a cached file is made of.
class RandomArguments
  NAMES = { role_session_name: 'RoleSessionName', external_id: 'ExternalId', session_duration: 'DurationSeconds', policy: 'Policy' }.freeze
  # Whatever a JSON string may hold that STS takes in a policy: quotes, escapes, letters beyond ASCII.
  LETTERS = %(aZ09 _-./\\"'\n\r\tü\u00ff)

  # As STS calls them.
  def self.for_sts(given) = given.transform_keys(NAMES)

  def initialize(seed)
    @dice = Random.new(seed)
  end

  # @return [Hash{Symbol => Object}] options of a Session
  def next
    options = { role_session_name: text('aZ9_=,.@-'), external_id: text('aZ9_+=,.@:/-'), session_duration: @dice.rand(900..3600), policy: policy }
    options.reject { @dice.rand(3).zero? }
  end

  private

  def text(letters) = Array.new(@dice.rand(2..12)) { letters[@dice.rand(letters.size)] }.join

  def policy
    fields = { 'Statement' => value(2), text(LETTERS) => value(2), 'Version' => '2012-10-17' }
    JSON.public_send(%i[generate pretty_generate][@dice.rand(2)], fields.to_a.shuffle(random: @dice).to_h)
  end

  def value(depth)
    case @dice.rand(depth.zero? ? 4 : 6)
    when 0 then [nil, true, false][@dice.rand(3)]
    when 1 then @dice.rand(-(10**12)..(10**12))
    when 2 then @dice.rand.round(6) * (10**@dice.rand(-8..20))
    when 3 then text(LETTERS)
    when 4 then Array.new(@dice.rand(3)) { value(depth - 1) }
    else Array.new(@dice.rand(3)) { [text(LETTERS), value(depth - 1)] }.to_h
    end
  end
end
