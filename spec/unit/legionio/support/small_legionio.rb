# frozen_string_literal: true

# As much of LegionIO as this gem talks to, as objects: `SmallLegionIO.new.install` puts them where LegionIO has its modules. What the
# real ones do is in spec/legionio.
class SmallLegionIO
  class Settings
    attr_accessor :all
    alias loader all

    def initialize(all) = @all = all
    def dig(*keys) = all.dig(*keys)
    def [](key) = all[key]
  end

  # LegionIO rescues what a listener raises; here it reaches the spec.
  class Events
    def initialize = @listeners = Hash.new { |all, name| all[name] = [] }
    def on(name, &listener) = @listeners[name] << listener
    def emit(name) = @listeners[name].each { |listener| listener.call(event: name) }
  end

  class Lease
    attr_reader :provider, :credential, :lease_id, :expires_at, :renewable, :issued_at, :metadata

    def initialize(**fields)
      fields.each { |name, value| instance_variable_set(:"@#{name}", value) }
    end

    def token = credential
    def valid? = !credential.nil? && (expires_at.nil? || Time.now < expires_at)
  end

  # Renews when the spec says so.
  class LeaseRenewer
    attr_reader :provider, :current_lease, :thread

    def initialize(provider, lease)
      @provider = provider
      @current_lease = lease
      @thread = Thread.new { sleep }
      @thread.report_on_exception = false
    end

    def alive? = @thread.alive?

    # Raises what its thread died of, as LegionIO's does.
    def stop!
      @thread.kill.join
    end

    def renew
      lease = @provider.provide_token
      @current_lease = lease if lease&.valid?
    end
  end

  class Broker
    attr_reader :registrations

    def initialize
      @renewers = {}
      @registrations = []
    end

    def renewer_for(name, qualifier: nil) = @renewers[[name, qualifier || :default]]

    def token_for(name, qualifier: nil) = renewer_for(name, qualifier: qualifier)&.current_lease&.token

    def credentials_for(name, qualifier: nil, service: nil)
      lease = renewer_for(name, qualifier: qualifier)&.current_lease
      { token: lease.token, provider: name, service: service, lease: lease } if lease
    end

    def register_provider(name, provider:, lease:, qualifier: :default, default: false)
      @registrations << { qualifier: qualifier, key: lease&.credential, default: default }
      @renewers.delete([name, qualifier])&.stop!
      @renewers[[name, qualifier]] = LeaseRenewer.new(provider, lease) if lease
    end

    def stop = @renewers.each_value { |renewer| renewer.thread.kill }

    private

    attr_reader :renewers
  end

  class Resolver
    attr_reader :providers, :composite, :passes

    def initialize
      @providers = []
      @passes = 0
    end

    def register(provider)
      providers << provider unless providers.any? { |known| known.provider_name == provider.provider_name }
    end

    # One pass, as LegionIO makes it at boot, at a reload and when it is told to: on another thread, and without a word of what failed.
    def resolve!
      @passes += 1
      asking = Thread.new { providers.first.resolve }
      asking.report_on_exception = false
      @composite = composite_of(asking.value)
    rescue StandardError
      @composite = nil
    end

    private

    def composite_of(answer)
      return unless answer

      { canonical_name: answer[:canonical_name], aliases: { aws: [answer[:provider_identity]] }, providers: { aws: { status: :resolved } },
        profile: { aws: answer[:metadata].slice(:arn, :region) } }
    end
  end

  # Before and after the constants are there: our class of leases inherits from the Lease it found first.
  def self.forget_lease_class
    leases = Legion::Extensions::Identity::Aws::Lease
    leases.send(:remove_const, :InLegion) if leases.const_defined?(:InLegion, false)
  end

  attr_reader :settings, :broker, :resolver

  def initialize(settings = {})
    @settings = Settings.new(settings)
    @broker = Broker.new
    @resolver = Resolver.new
  end

  # Name and value of each constant, for stub_const.
  def constants
    { 'Legion::Settings' => settings, 'Legion::Identity::Broker' => broker, 'Legion::Identity::Resolver' => resolver,
      'Legion::Identity::LeaseRenewer' => LeaseRenewer, 'Legion::Identity::Lease' => Lease }
  end

  # In a process of its own.
  def install
    constants.each do |path, value|
      *modules, name = path.split('::')
      modules.reduce(Object) { |above, inner| module_in(above, inner) }.const_set(name, value)
    end
  end

  private

  def module_in(above, name) = above.const_defined?(name, false) ? above.const_get(name, false) : above.const_set(name, Module.new)
end
