# frozen_string_literal: true

require_relative 'off_aws'
require_relative 'rivals'

# Each measure puts one contestant into the environment and gives figures: key => number, or text where it failed.
class Measures
  STS = { service: :sts, action: 'AssumeRole' }.freeze

  # Seconds that the first credentials of a role live. Under five minutes are left then, where both aws-sdk-ruby and this gem refresh.
  # This gem has other windows for lives that short, so it gets longer-lived credentials and waits for a moment.
  SOON = 299
  AGED = { life: 302, wait: 2.5 }.freeze
  # aws-sdk-ruby refreshes ahead of time, in the background, from ten to five minutes before expiration.
  AHEAD = 480

  # 0.1.0 has no role to refresh, and refreshes nothing else.
  RENEWS_NOTHING = 'renews nothing'

  def initialize(environment, crowd_size:)
    @environment = environment
    @crowd_size = crowd_size
  end

  def start(rival)
    said = @environment.run_one(rival, 'start')
    raise "#{rival.title} found no identity: #{said}" unless said[:again]

    said.merge(boot: said[:require] + said[:first])
  end

  def start_tls(rival) = { first_tls: @environment.run_one(rival, 'first', tls: true)[:first] }

  def role(rival) = @environment.run_one(rival, 'role')

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
    @environment.with_rules({ service: :sts, action: 'GetCallerIdentity', after: 1, delay_ms: 400 }) { @environment.run_one(rival, 'stall') }
  end

  def crowd(rival)
    return { crowd: 'role fails', crowd_requests: 'role fails' } if rival.key == :former

    @environment.with_rules do
      seconds, fine = @environment.crowd(rival, 'crowd', @crowd_size)
      raise "of #{@crowd_size} processes with #{rival.title} #{fine} got credentials" if fine < @crowd_size

      { crowd: seconds, crowd_requests: @environment.aws.requests(**STS).size }
    end
  end

  def tokens(rival)
    return %i[identity_token identity_token_again token_eks token_rds].to_h { |key| [key, 'has none'] } if rival.key == :former

    @environment.run_one(rival, 'tokens')
  end

  # In a pod of EKS (IRSA), where a client without credentials asks STS for those of its role.
  def clients(rival)
    return { clients: 'serves none', clients_requests: 'serves none' } if rival.key == :former

    @environment.with_rules do
      said = @environment.run_one(Rivals.beside_aws_sdk(rival), 'clients', env: @environment.web_identity)
      said.merge(clients_requests: @environment.aws.requests(service: :sts, action: 'AssumeRoleWithWebIdentity').size)
    end
  end

  # Quickly answered, or after a wait.
  def off_aws_quick(rival) = off_aws(rival, :disabled, :refused)
  def off_aws_slow(rival)  = off_aws(rival, :silent, :dropped)

  private

  def off_aws(rival, *forms)
    forms.to_h { |form| [:"off_aws_#{form}", OffAws.public_send(form) { |env| @environment.run_one(rival, 'off_aws', env: env)[:answer] }] }
  end

  def during_a_refresh(rival, life, wait = 0)
    @environment.with_rules({ **STS, times: 1, lifetime_seconds: life }, { **STS, after: 1, delay_ms: 1200 }) do
      said = @environment.run_one(rival, 'readers', wait.to_s)
      raise "#{rival.title} did not renew: there was no refresh to measure" if @environment.aws.requests(**STS).size < 2

      said
    end
  end
end
