# frozen_string_literal: true

require_relative 'credentials_for_patch'
require_relative 'broker'
require_relative '../internal/background_job'
require_relative 'runtime'
require_relative 'legion_phase'
require_relative '../internal/log'
require_relative 'relay'
require_relative 'roles'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Keeps LegionIO in step with what we know: Broker leases what is in force, each role of the settings included, and a boot that
          # stayed nameless gets its name as soon as AWS answers.
          #
          # LegionIO's own threads are not kept waiting for it. What may take long runs on one background thread, which lives until
          # everything is in order. No lock is held while LegionIO or AWS is asked.
          #
          # @api private
          class Steward
            # What Broker is to know under a qualifier: `face` answers there for `provider`.
            Seat = ::Struct.new(:qualifier, :face, :provider)
            private_constant :Seat

            # @param face [#provide_token] what Broker is given for the process's own credentials
            # @param provider [Provider]
            def initialize(face, provider)
              @log = Internal::Log.new
              @broker = Broker.new(face)
              @bridge = CredentialsForPatch.new(@broker, @log)
              @relay = Relay.new
              @roles = Roles.new { used }
              @provider = provider
              @own = Seat.new(Broker::DEFAULT, face, provider)
              @lock = ::Mutex.new
              @errand = Internal::BackgroundJob.new(@log) { |errand| put_in_order(errand) }
              @said = []
              provider.watch { used }
            end

            # From inside a successful resolve.
            #
            # @return [void]
            def resolved
              identity = @provider.answer or return
              announce(identity)
              @nameless = false # LegionIO is being told
              see
              return unless @broker.there? && !Runtime.shutting_down?

              @asked = true
              fill(@own) if @broker.renewer(Broker::DEFAULT).nil?
              @errand.run unless in_order?
            rescue ::StandardError => e # LegionIO is to have its name all the same
              @log.warn("the AWS credentials could not be leased: #{e.class}: #{e.message}")
            end

            # From inside a failed one.
            #
            # @return [void]
            def failed
              return if !Runtime.resolver? || Runtime.shutting_down?

              @asked = @nameless = true
              see
              @errand.run unless @errand.running? # it keeps its own time
            end

            # From inside one that must not answer, since the settings say `enabled: false`. LegionIO takes another name, and is to have ours
            # again when they no longer do.
            #
            # @return [nil]
            def kept_out
              @asked = @nameless = true if Runtime.resolver?
              used
            end

            # Settings have been compared, at a use. A renewer may have died or been left behind by a fork, and what is in force may have
            # changed. Where LegionIO has never asked who we are, it is none of its business.
            #
            # @return [nil]
            def used
              return if !@asked || Runtime.shutting_down?

              in_order? ? leased(@broker.lease(Broker::DEFAULT, @own.face)) : attend
              nil
            rescue ::StandardError => e # nothing here may cost a caller its credentials
              @log.debug("#{e.class}: #{e.message}")
            end

            # @param lease [Lease, nil] that Broker has, or is about to have
            # @return [void]
            def leased(lease)
              @bridge.renewed(lease.credential) if lease
            rescue ::StandardError => e # the lease is good
              @log.warn("the bridge could not be laid: #{e.class}: #{e.message}")
            end

            # @param context [Object] as {Identity.resolve_qualifier} takes it
            # @return [Symbol, nil]
            def qualifier(context) = @roles.qualifier(context)

            private

            def attend
              renamed = !@provider.session.equal?(@session_seen)
              return if @errand.running? && !renamed && @roles.fingerprint == @roles_seen # it is at it, in its own time

              see
              @nameless ||= renamed
              @errand.run
            end

            # What is in force now counts as known from here on.
            def see
              @session_seen = @provider.session
              @roles_seen = @roles.fingerprint
            end

            # @return [Array<Seat>]
            def seats
              return [] unless Runtime.enabled?

              [@own, *@roles.providers.map { |qualifier, provider| Seat.new(qualifier, provider, provider) }]
            end

            def in_order?
              return true unless @broker.there?

              seats = self.seats
              seats.all? { |seat| filled?(seat) } && left_over(seats).empty?
            end

            def left_over(seats) = @broker.registered - seats.map(&:qualifier)

            def filled?(seat) = leased_from_session?(seat) && @relay.following?(seat.qualifier, seat.provider.session)

            # Whether Broker's lease is of the settings in force.
            def leased_from_session?(seat)
              session = seat.provider.session
              lease = @broker.lease(seat.qualifier, seat.face) if session
              lease.is_a?(Lease) && lease.of?(session)
            end

            def put_in_order(errand)
              backoff = Internal::Backoff.new
              errand.wait_for(backoff.next) if @nameless && @provider.failed? # AWS has just been asked
              until Runtime.shutting_down? || everything_done?
                backoff = Internal::Backoff.new if errand.wait_for(backoff.next)
              end
            end

            # Each for itself: what one of them lacks must not keep the others.
            def everything_done?
              say(@roles.problem)
              seats = self.seats
              named = !@nameless || seats.empty? || identify
              return named unless @broker.there?

              left_over(seats).each { |qualifier| empty(qualifier) }
              [named, *seats.map { |seat| filled?(seat) || fill_anew(seat) }].all?
            rescue ::StandardError => e # LegionIO's; the next round tries again
              say("LegionIO's Broker could not be told: #{e.class}: #{e.message}", [:broker, e.class])
              false
            end

            # @return [Boolean] whether nothing is left to be done about the name
            def identify
              answer = @provider.resolve
              return !@provider.failed? unless answer
              return Runtime.knows?(answer) unless Runtime.ready?

              Runtime.resolve! unless Runtime.knows?(answer)
              @nameless = @provider.failed?
              !@nameless
            rescue Error => _e # the provider has said it
              false
            rescue ::StandardError => e
              say("LegionIO could not resolve anew: #{e.class}: #{e.message}", [:resolver, e.class])
              false
            end

            # @return [Boolean, nil] whether it is filled now
            def fill_anew(seat)
              fill(seat)
            rescue ::StandardError => e
              empty(seat.qualifier) unless leased_from_session?(seat) # a lease of superseded settings is not left to whoever asks
              # The provider has said what is wrong with the process's own.
              unless own?(seat) && @provider.failed?
                say("#{name_of(seat)} cannot be leased: #{e.message}", [seat.qualifier, e.class, (e.code if e.is_a?(Error))])
              end
              false
            end

            # Who comes while another thread is at it finds it filled later.
            def fill(seat)
              alone do
                lease = seat.provider.provide_token
                @broker.register(seat.qualifier, seat.face, lease)
                session = seat.provider.session
                @relay.follow(seat.qualifier, session) if session
                leased(lease) if own?(seat)
                @said = @said.reject { |cause| cause.first == seat.qualifier }.freeze
                true
              end
            end

            def empty(qualifier)
              @relay.leave(qualifier)
              @broker.withdraw(qualifier)
            end

            def own?(seat) = seat.qualifier == Broker::DEFAULT

            def name_of(seat) = own?(seat) ? 'The AWS credentials' : "identity.aws.roles.#{seat.qualifier}"

            # No lock is held while the block runs; who does not get in is told so with nil.
            def alone
              mine = @lock.synchronize { @inside&.alive? ? false : (@inside = ::Thread.current) }
              yield if mine
            ensure
              @lock.synchronize { @inside = nil } if mine
            end

            def announce(identity)
              return if @announced == identity.provider_arn

              first = @announced.nil?
              @announced = identity.provider_arn
              @log.info("this process is #{identity.canonical_name} in account #{identity.account} " \
                        "(#{identity.source}, #{identity.milliseconds} ms)#{hint if first && Runtime.late?}")
            end

            def hint
              '. LegionIO loaded this gem in phase 1, beside all other extensions; to have the name before they start, ' \
                "put #{LegionPhase.setting_as_json} into its settings"
            end

            # Once for each cause, until it is mended.
            def say(message, cause = [message])
              return if message.nil? || @said.include?(cause)

              @said = [*@said.last(20), cause].freeze
              @log.warn(message)
            end
          end
        end
      end
    end
  end
end
