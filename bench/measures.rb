# frozen_string_literal: true

require_relative 'away'

# Each measure puts one contestant on the stage and gives figures: key => number, or text where it failed.
class Measures
  STS = { service: :sts, action: 'AssumeRole' }.freeze

  # Seconds that the first set of a role lives. Under five minutes are left then, where both aws-sdk-ruby and this gem renew. In
  # this gem a set of so short a life has windows of its own, so a longer one is left to age for a moment.
  SOON = 299
  AGED = { life: 302, wait: 2.5 }.freeze
  # aws-sdk-ruby renews ahead of time, in the background, from ten minutes to five before the end.
  AHEAD = 480

  # 0.1.0 has no role to renew, and renews nothing else.
  RENEWS_NOTHING = 'renews nothing'

  def initialize(stage, crowd_size:)
    @stage = stage
    @crowd_size = crowd_size
  end

  def start(rival)
    said = @stage.perform(rival, 'start')
    raise "#{rival.title} found no identity: #{said}" unless said[:again]

    said.merge(boot: said[:require] + said[:first])
  end

  def start_tls(rival) = { first_tls: @stage.perform(rival, 'first', tls: true)[:first] }

  def role(rival) = @stage.perform(rival, 'role')

  def readers(rival)
    case rival.key
    when :former then { reads: RENEWS_NOTHING, reads_ahead: RENEWS_NOTHING, p999: RENEWS_NOTHING }
    when :aws_sdk then during_a_refresh(rival, SOON).merge(reads_ahead: during_a_refresh(rival, AHEAD)[:reads])
    else
      said = during_a_refresh(rival, AGED[:life], AGED[:wait])
      said.merge(reads_ahead: said[:reads]) # this is ahead of time already
    end
  end

  def stall(rival)
    @stage.with_rules({ service: :sts, action: 'GetCallerIdentity', after: 1, delay_ms: 400 }) { @stage.perform(rival, 'stall') }
  end

  def crowd(rival)
    return { crowd: 'role fails', crowd_requests: 'role fails' } if rival.key == :former

    @stage.with_rules do
      seconds, fine = @stage.crowd(rival, 'crowd', @crowd_size)
      raise "of #{@crowd_size} processes with #{rival.title} #{fine} got credentials" if fine < @crowd_size

      { crowd: seconds, crowd_requests: @stage.aws.requests(**STS).size }
    end
  end

  # Quickly answered, or after a wait.
  def away_quick(rival) = away(rival, :disabled, :refused)
  def away_slow(rival)  = away(rival, :silent, :dropped)

  private

  def away(rival, *forms)
    forms.to_h { |form| [:"away_#{form}", Away.public_send(form) { |env| @stage.perform(rival, 'away', env: env)[:answer] }] }
  end

  def during_a_refresh(rival, life, wait = 0)
    @stage.with_rules({ **STS, times: 1, lifetime_seconds: life }, { **STS, after: 1, delay_ms: 1200 }) do
      said = @stage.perform(rival, 'readers', wait.to_s)
      raise "#{rival.title} did not renew: there was no refresh to measure" if @stage.aws.requests(**STS).size < 2

      said
    end
  end
end
