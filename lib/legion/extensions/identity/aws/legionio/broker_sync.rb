# frozen_string_literal: true

require_relative '../errors'
require_relative '../internal/background_job'
require_relative '../internal/layers'
require_relative '../internal/log'
require_relative 'broker_entries'
require_relative 'credentials_for_patch'
require_relative 'event_forwarder'
require_relative 'role_provider'
require_relative 'roles'
require_relative 'runtime'

module Legion
  module Extensions
    module Identity
      module Aws
        module LegionIO
          # Makes what LegionIO holds equal to what the settings want: in its Broker a lease of the process's own credentials and of each
          # role, in its Resolver the name that goes with them.
          #
          # {#wake} is the only entry. It compares and returns; what may take long is done on one background thread, which lives until all
          # is equal. Only the first lease of the process's own credentials is made in line, so that it is there when LegionIO has its name.
          #
          # @api private
          class BrokerSync
            # What Broker is to hold under a qualifier: a lease of `provider`'s. `registered` is what it asks for the next one.
            Entry = ::Struct.new(:qualifier, :provider, :registered)
            private_constant :Entry

            # @param identity [Object] what Broker asks for the process's own credentials
            # @param provider [Provider] of the same
            def initialize(identity, provider)
              @log = Internal::Log.new
              @provider = provider
              @own = Entry.new(BrokerEntries::DEFAULT, provider, identity)
              @roles = {}
              @broker = BrokerEntries.new(identity)
              @patch = CredentialsForPatch.new(@broker)
              @events = EventForwarder.new
              @leasing = ::Mutex.new
              @job = Internal::BackgroundJob.new(@log) { |job| work(job) }
              @warned = []
            end

            # Compares, and starts the background job where something differs. Called at each use. Never raises, and does nothing before
            # the first resolve, nor if that found this machine not on AWS.
            #
            # @param told [Session, false, nil] from inside a resolve: the session whose identity is the answer, false where there is none
            # @param lease [Lease, nil] of the process's own credentials, newly made: the renewer that has asked for it is about to hold it
            # @return [void]
            def wake(told: nil, lease: nil)
              @told = told unless told.nil?
              @newest_key = lease.credential if lease
              return if @told.nil? || !@broker.broker?

              lease_in_line if told
              state = [@told, @provider.session, Runtime.enabled?, Internal::Layers.setting(:identity, :aws).hash, @newest_key]
              return if (state == @settled && @broker.intact?) || (state == @seen && @job.running?)

              start(state) unless Runtime.shutting_down?
            rescue ::StandardError => e # nothing here may cost a caller its credentials
              @log.debug("#{e.class}: #{e.message}")
            end

            private

            def start(state)
              @patch.install
              @seen = state
              @job.run
            end

            def lease_in_line
              return if @broker.renewer(BrokerEntries::DEFAULT) || Runtime.shutting_down? || !@leasing.try_lock

              begin
                lease(@own)
              ensure
                @leasing.unlock
              end
            rescue ::StandardError => e # the name does not depend on it
              @log.warn("the AWS credentials could not be leased: #{e.class}: #{e.message}")
            end

            def work(job)
              backoff = Internal::Backoff.new
              job.wait_for(backoff.next) if @provider.failed? # AWS has just been asked
              until Runtime.shutting_down? || all_equal?
                backoff = Internal::Backoff.new if job.wait_for(backoff.next)
              end
            end

            # Name and leases are independent: one that fails does not keep the others from being made equal.
            def all_equal?
              state = @seen
              warn_once(Roles.problem)
              wanted = self.wanted
              (@broker.qualifiers - wanted.map(&:qualifier)).each { |qualifier| withdraw(qualifier) }
              equal = [wanted.empty? || named?, *wanted.map { |entry| leased?(entry) }].all?
              @settled = state if equal && @patch.notify(@newest_key)
              equal
            rescue ::StandardError => e # LegionIO's; the next round tries again
              warn_once("LegionIO's Broker could not be told: #{e.class}: #{e.message}", [:broker, e.class])
              false
            end

            # A role keeps its provider as long as the process lives, so that what was given out follows changed settings.
            #
            # @return [Array<Entry>]
            def wanted
              return [] unless Runtime.enabled?

              [@own, *Roles.names.map do |name|
                role = @roles[name] ||= RoleProvider.new(name, self)
                Entry.new(name, role.provider, role)
              end]
            end

            # @return [Boolean] whether LegionIO has the name, or there is none to give
            def named?
              return true if @told.equal?(session_in_force)

              answer = @provider.resolve
              return !@provider.failed? unless answer
              return Runtime.ready? && resolve_anew unless Runtime.knows?(answer)

              @told = @provider.answered
              true
            rescue Error => _e # the provider has logged it
              false
            rescue ::StandardError => e
              warn_once("LegionIO could not resolve anew: #{e.class}: #{e.message}", [:resolver, e.class])
              false
            end

            def session_in_force
              @provider.current
            rescue Error => _e # resolve meets the same, and logs it
              nil
            end

            # LegionIO asks all its providers again, {Identity.resolve} among them.
            def resolve_anew
              Runtime.resolve!
              @told = @provider.answered unless @provider.failed?
              !@provider.failed?
            end

            def leased?(entry)
              session = entry.provider.current
              @leasing.synchronize { lease(entry) unless @broker.leased?(entry.qualifier, entry.registered, session) }
              @events.forward(entry.qualifier, session)
              true
            rescue ::StandardError => e
              give_up(entry, e)
              false
            end

            def lease(entry)
              lease = entry.provider.provide_token
              @broker.register(entry.qualifier, entry.registered, lease)
              @newest_key = lease.credential if own?(entry)
              @warned = @warned.reject { |cause| cause.first == entry.qualifier }.freeze
            end

            # Broker must not go on handing out a lease of superseded settings.
            def give_up(entry, error)
              withdraw(entry.qualifier) unless @broker.leased?(entry.qualifier, entry.registered, entry.provider.session)
              return if own?(entry) && @provider.failed? # the provider has logged it

              name = own?(entry) ? 'The AWS credentials' : "identity.aws.roles.#{entry.qualifier}"
              warn_once("#{name} cannot be leased: #{error.message}", [entry.qualifier, error.class, (error.code if error.is_a?(Error))])
            end

            def withdraw(qualifier)
              @events.stop(qualifier)
              @broker.withdraw(qualifier)
            end

            def own?(entry) = entry.qualifier == BrokerEntries::DEFAULT

            # Logs each cause once, until it is mended.
            def warn_once(message, cause = [message])
              return if message.nil? || @warned.include?(cause)

              @warned = [*@warned.last(20), cause].freeze
              @log.warn(message)
            end
          end
        end
      end
    end
  end
end
