# frozen_string_literal: true

# As much of LegionIO's Settings, Resolver and Broker as this gem talks to, for a process of its own: loaded with `require`, before the
# gem or after it. What the real ones do is in spec/legionio.
module Legion
  module Settings
    class << self
      attr_accessor :loader

      def dig(*keys) = loader.dig(*keys)
      def [](key) = loader[key]
    end
    self.loader = {}
  end

  module Identity
    class Lease
      attr_reader :provider, :credential, :lease_id, :expires_at, :renewable, :issued_at, :metadata
      alias token credential

      def initialize(provider:, credential:, lease_id: nil, expires_at: nil, renewable: false, issued_at: nil, metadata: {})
        @provider, @credential, @lease_id, @expires_at = provider, credential, lease_id, expires_at # rubocop:disable Style/ParallelAssignment
        @renewable, @issued_at, @metadata = renewable, issued_at, metadata.freeze # rubocop:disable Style/ParallelAssignment
      end

      def valid? = !credential.nil? && (expires_at.nil? || Time.now < expires_at)
    end

    # Renews only when it is told to.
    class LeaseRenewer
      attr_reader :provider, :current_lease, :thread

      def initialize(provider_name:, provider:, lease:)
        @provider_name = provider_name
        @provider = provider
        @current_lease = lease
        @thread = Thread.new { sleep }
        @thread.report_on_exception = false
      end

      def alive? = @thread.alive?

      def stop!
        @thread.kill
        @thread.join
      end

      def renew
        lease = @provider.provide_token
        @current_lease = lease if lease&.valid?
      end
    end

    module Broker
      class << self
        def registrations = @registrations ||= []

        def renewer_for(name, qualifier: nil) = renewers[[name, qualifier || :default]]

        def lease_for(name, qualifier: nil) = renewer_for(name, qualifier: qualifier)&.current_lease

        def token_for(name, qualifier: nil) = lease_for(name, qualifier: qualifier)&.then { |lease| lease.token if lease.valid? }

        def credentials_for(name, qualifier: nil, service: nil)
          lease = lease_for(name, qualifier: qualifier)
          { token: lease.token, provider: name, service: service, lease: lease } if lease&.valid?
        end

        def register_provider(name, provider:, lease:, qualifier: :default, default: false)
          key = [name, qualifier]
          registrations << { qualifier: qualifier, provider: provider, key: lease&.credential, default: default }
          renewers.delete(key)&.stop!
          renewers[key] = LeaseRenewer.new(provider_name: name, provider: provider, lease: lease) if lease
        end

        private

        def renewers = @renewers ||= {}
      end
    end

    module Resolver
      class << self
        attr_reader :composite, :passes

        def providers = @providers ||= []

        def register(provider)
          providers << provider unless providers.any? { |known| known.provider_name == provider.provider_name }
        end

        # One pass, as LegionIO makes it at boot, at a reload and when it is told to.
        def resolve!
          @passes = passes.to_i + 1
          answer = begin
            Thread.new { Thread.current.report_on_exception = false; providers.first.resolve }.value # rubocop:disable Style/Semicolon
          rescue StandardError
            nil
          end
          @composite = answer && { canonical_name: answer[:canonical_name], aliases: { aws: [answer[:provider_identity]] },
                                   providers: { aws: { status: :resolved } }, profile: providers.last.resolve[:profile] }
        end
      end
    end
  end
end
