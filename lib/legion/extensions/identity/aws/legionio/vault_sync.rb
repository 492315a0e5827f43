# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/background_job'
require_relative '../internal/log'
require_relative '../internal/monotonic'
require_relative '../internal/warn_once'
require_relative 'runtime'
require_relative 'vault_cluster'
require_relative 'vault_login'
require_relative 'vault_setting'
require_relative 'vault_token'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Keeps one of LegionIO's Vault clusters logged in with the AWS identity of the process, where `identity.aws.vault` says so.
          #
          # All of it is done on one background thread, which exists while the setting does. {#login} waits for its first try, and no longer than
          # {BOUND}: whatever Vault does, LegionIO gets its name.
          #
          # @api private
          class VaultSync
            # The most seconds that a boot, a reload or a shutdown waits for Vault.
            BOUND = 2.5
            # Seconds in which the passes of one boot or reload have {BOUND} together.
            ONE_BOOT = 60
            # The part of its life after which a token is renewed.
            RENEWED = 2 / 3.0
            # Seconds between two looks at the cluster and the settings.
            LOOK = 1.0
            private_constant :BOUND, :ONE_BOOT, :RENEWED, :LOOK

            # @param provider [Provider] of the process's own credentials
            def initialize(provider)
              @provider = provider
              @log = Internal::Log.new
              @job = Internal::BackgroundJob.new(@log) { |job| work(job) }
              @lock = ::Mutex.new
              @tried = ::ConditionVariable.new
              @tries = 0
              @warnings = Internal::WarnOnce.new(@log)
            end

            # Logs in where that is not done, and waits for it. Never raises.
            #
            # @return [void]
            def login
              return if !wanted? || held?

              before = @tries
              run_and_wait(deadline) { @tries != before }
            rescue ::StandardError => e # LegionIO gets its facts without Vault, too
              @log.debug("Vault: #{words(e)}")
            end

            # Starts the background thread anew where a fork or changed settings ask for it. Called at each use. Never raises.
            #
            # @return [void]
            def wake
              return unless wanted? && Runtime.ready?

              @job.run unless @job.running? && @seen == VaultSetting.fingerprint
            rescue ::StandardError => e
              @log.debug("Vault: #{words(e)}")
            end

            private

            def wanted? = VaultSetting.given? && Runtime.enabled? && !Runtime.shutting_down?

            def held?
              request = VaultSetting.request
              @held&.good_for?(origin(request), 1.0)
            rescue ::StandardError => _e # the background thread logs it
              false
            end

            def origin(request) = [@provider.current.object_id, request]

            # @return [Boolean] false where it cannot be run
            def run_and_wait(limit)
              return false unless @job.run

              @lock.synchronize do
                until yield || !(left = limit - Internal::Monotonic.now).positive?
                  @tried.wait(@lock, left)
                end
              end
              true
            end

            def deadline
              now = Internal::Monotonic.now
              before = @deadline
              before && now < before + ONE_BOOT ? before : (@deadline = now + BOUND)
            end

            # While LegionIO boots or reloads, its settings are not complete, so only {#login} has it try then.
            def work(job)
              backoff = Internal::Backoff.new
              asked = true
              while wanted?
                good = !(asked || Runtime.ready?) || kept?
                backoff = Internal::Backoff.new if good
                asked = pause(job, good ? LOOK : backoff.next)
              end
              return (revoke if @closing) if Runtime.shutting_down?

              withdraw
              @entered = nil
            end

            # @return [Boolean] whether {#login} or {#wake} ended it
            def pause(job, seconds)
              limit = Internal::Monotonic.now + seconds
              while wanted? && (left = limit - Internal::Monotonic.now).positive?
                return true if job.wait_for([left, LOOK].min)
              end
              false
            end

            # @return [Boolean] whether the cluster has a good token
            def kept?
              @seen = VaultSetting.fingerprint
              request = VaultSetting.request
              keep(request, origin(request))
              true
            rescue ::StandardError => e
              fail_with(e)
              false
            ensure
              tell_of_a_try
            end

            def tell_of_a_try
              @lock.synchronize do
                @tries += 1
                @tried.broadcast
              end
            end

            def keep(request, origin)
              cluster = VaultCluster.named(request.cluster)
              withdraw unless @held&.origin == origin
              return if @held&.good_for?(origin, RENEWED)

              enter(cluster)
              renewed?(request) || log_in(cluster, request, origin)
              @warnings.forget
            end

            def enter(cluster)
              ours = @entered == cluster.name
              cluster.refuse_other_login(ours: ours)
              danger = cluster.danger unless ours
              @log.warn(danger) if danger
              @entered = cluster.name
            end

            def renewed?(request)
              held = @held
              return false unless held&.renewable?

              grant = VaultLogin.new(held.cluster, request).renew(held.grant.token)
              hold(held.cluster, held.origin, grant, held.lifetime)
              @log.debug("Vault: the token of #{held.cluster} is renewed for #{grant.lease_duration} s")
              true
            rescue Error => e
              @log.debug(e.message)
              false
            end

            def log_in(cluster, request, origin)
              @at_shutdown ||= Runtime.at_shutdown { close }
              grant = VaultLogin.new(cluster, request).login(@provider.current_credentials.credentials)
              @owner = ::Process.pid # of the token: until there is one, a child may still hold its parent's
              hold(cluster, origin, grant, grant.lease_duration)
              @log.info("Vault: #{cluster} is logged in to as role #{request.role}; its token lives #{grant.lease_duration} s")
            end

            def hold(cluster, origin, grant, lifetime)
              # First, so that it is known for ours even where LegionIO's settings could be written by half only.
              @held = VaultToken.new(cluster, origin, grant, lifetime, Internal::Monotonic.now, ::Time.now)
              cluster.take(grant)
            end

            # The token goes on through an outage of Vault or AWS, while it lives.
            def fail_with(error)
              withdraw if error.is_a?(ConfigurationError) || @held&.spent?(1.0)
              return if @provider.failed? && !error.is_a?(ConfigurationError) # the provider has logged it

              message = "#{@held ? 'the Vault token is not renewed' : 'no Vault token'}: #{words(error)}"
              # Vault quotes STS, whose words have times and request ids.
              @warnings.warn(message, message.gsub(/\h{8}-[\h-]+|\d+/, ''))
            end

            # As Legion::Crypt does with the token of a Kerberos login. Not in a forked child: there it is the parent's. A call in flight
            # may bring a token yet.
            def close
              return unless @job.running? || (@held && ours?)

              @closing = true
              ran = run_and_wait(Internal::Monotonic.now + BOUND) { !@closing }
              @log.warn('the Vault token is not revoked: no thread can be started for it') unless ran
            rescue ::StandardError => e # the shutdown of LegionIO goes on
              @log.debug("Vault: #{words(e)}")
            end

            def ours? = @owner == ::Process.pid

            def revoke
              held = @held
              return unless held && ours?

              @held = nil
              VaultLogin.new(held.cluster, held.origin.last).revoke(held.grant.token)
              @log.info("Vault: the token of #{held.cluster} is revoked")
            rescue Error => e
              level = e.is_a?(ServiceError) && e.status == 400 ? :debug : :warn # a batch token cannot be revoked
              @log.public_send(level, "the Vault token is not revoked: #{e.message}")
            ensure
              @closing = false
              tell_of_a_try
            end

            # Takes back what is of superseded settings, or has expired.
            def withdraw
              held = @held
              @held = nil
              held&.withdraw
            rescue ::StandardError => e
              @log.debug("Vault: #{words(e)}")
            end

            # Ruby's own message may quote LegionIO's settings, which hold the token.
            def words(error) = error.is_a?(Error) ? error.message : error.class.to_s
          end
        end
      end
    end
  end
end
