# frozen_string_literal: true

# Stands in for Native::Session where a spec needs AWS to say one exact thing at one exact moment. native_surface_spec holds it
# against the real one, so the two cannot drift apart.
class ScriptedNative
  SETTINGS = {
    region:       { value: 'eu-west-1', origin: 'option' },
    negative_ttl: { value: 60.0, origin: 'default' }
  }.freeze
  SET = {
    access_key_id: 'ASIAFIRST', secret_access_key: 'canary-secret', session_token: 'canary-token', expiration: nil, account_id: '123456789012',
    source: 'environment', region: 'eu-west-1', degraded: nil, details: {}
  }.freeze
  IDENTITY = {
    account: '123456789012', arn: 'arn:aws:sts::123456789012:assumed-role/Legion.Worker/i-0abc', user_id: 'AROAEXAMPLE:i-0abc', partition: 'aws',
    kind: 'role', role: 'Legion.Worker', session_name: 'i-0abc', canonical_name: 'legion_worker',
    provider_arn: 'arn:aws:iam::123456789012:role/Legion.Worker', region: 'eu-west-1', source: 'environment', milliseconds: 12
  }.freeze

  attr_reader :warnings, :settings, :calls, :held, :known, :attempts, :counters
  # An exception, or a callable that is asked in place of AWS.
  attr_accessor :failure
  # How often a file was found changed.
  attr_accessor :file_changes

  def initialize(warnings: [], settings: SETTINGS)
    @warnings = warnings
    @settings = settings
    @calls = []
    @serial = 0
    @file_changes = 0
    @attempts = [].freeze
    @counters = { fetches: 0 }.freeze
  end

  # The credentials that are held from now on.
  def hold(**fields)
    @held = SET.merge(fields, serial: @serial += 1).freeze
    self
  end

  # What GetCallerIdentity says from now on.
  def is(**fields)
    @known = IDENTITY.merge(fields, serial: @serial += 1).freeze
    self
  end

  def serial
    ask(:serial)
    hold unless held
    held[:serial]
  end

  def identity_serial
    ask(:identity_serial)
    hold unless held
    is unless @known
    @known[:serial]
  end

  def start(_token, purpose, _helper)
    @calls << purpose if purpose == :prefetch
    return true if purpose == :prefetch

    ask(purpose)
    hold(access_key_id: 'ASIAREFRESHED').serial
  end

  def leave(_token) = nil

  def invalidate(id)
    @calls << :invalidate
    held&.fetch(:access_key_id) == id
  end

  def needs_refresh? = held.nil?

  def forget_identity
    @calls << :forget_identity
    nil
  end

  private

  def ask(call)
    @calls << call
    failure.respond_to?(:call) ? failure.call : (raise failure if failure)
  end
end
