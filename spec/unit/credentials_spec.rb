# frozen_string_literal: true

require 'date'
require 'json'
require 'pp'
require 'yaml'

RSpec.describe Legion::Extensions::Identity::Aws::Credentials do
  subject(:credentials) { described_class.new('ASIAEXAMPLE', 'canary-secret', 'canary-token', expiration: expiration, account_id: '123456789012') }

  let(:expiration) { Time.utc(2099, 1, 1) }

  it 'gives what aws-sdk-ruby reads' do
    expect(credentials).to have_attributes(access_key_id: 'ASIAEXAMPLE', secret_access_key: 'canary-secret', session_token: 'canary-token',
                                           expiration: expiration, account_id: '123456789012', set?: true, metrics: [])
    expect(credentials.credentials).to equal(credentials)
  end

  it 'is frozen, with everything it holds' do
    expect([credentials, credentials.access_key_id, credentials.expiration, credentials.details]).to all(be_frozen)
  end

  # A FrozenError would show the secret.
  it 'gives a String that may be changed, and stays as it is' do
    [credentials.secret_access_key, credentials.session_token].each { |secret| secret << 'X' }
    expect(credentials).to have_attributes(secret_access_key: 'canary-secret', session_token: 'canary-token')
  end

  it 'does not follow a string or time that its maker changes afterwards' do
    key = +'AKIA'
    secret = +'s'
    made = described_class.new(key, secret)
    key << 'X'
    secret << 'X'
    expect(made).to have_attributes(access_key_id: 'AKIA', secret_access_key: 's', session_token: nil)
  end

  it 'is not set without a key or secret' do
    [[nil, nil], ['', 's'], ['a', ''], ['a', nil]].each { |pair| expect(described_class.new(*pair)).not_to be_set }
  end

  it 'expires at its time, and never without one' do
    expect(credentials).not_to be_expired
    expect(described_class.new('a', 'b', expiration: Time.now - 1)).to be_expired
    expect(described_class.new('a', 'b')).not_to be_expired
  end

  it 'takes a Time as expiration, and nothing that could not be compared with one later' do
    ['2099-01-01T00:00:00Z', 4_070_908_800, DateTime.new(2099)].each do |other|
      expect { described_class.new('a', 'canary', expiration: other) }.to raise_error(ArgumentError, "expiration is of class #{other.class}. Give a Time.")
    end
  end

  it 'is equal by content' do
    same = described_class.new('ASIAEXAMPLE', 'canary-secret', 'canary-token', expiration: expiration, account_id: '123456789012', serial: 7)
    other = described_class.new('ASIAEXAMPLE', 'another secret', 'canary-token', expiration: expiration, account_id: '123456789012')
    expect(credentials).to eq(same)
    expect({ credentials => 1 }).to have_key(same)
    expect(credentials).not_to eq(other)
    expect(credentials).not_to eq('ASIAEXAMPLE')
  end

  it 'is not copied' do
    expect([credentials.dup, credentials.clone, credentials.clone(freeze: false)]).to all(equal(credentials))
  end

  it 'takes the epoch seconds of the core as a Time in UTC' do
    made = described_class.from_native(access_key_id: 'A', secret_access_key: 'B', session_token: nil, expiration: 4_070_908_800, serial: 3,
                                       account_id: nil, source: 'imds', region: 'eu-west-1', degraded: nil, details: {})
    expect(made).to have_attributes(expiration: Time.utc(2099, 1, 1), serial: 3, source: 'imds', region: 'eu-west-1')
    expect(made.expiration).to be_utc
  end

  it 'prints key id, expiration and source, without the secrets' do
    printed = "#<#{described_class} access_key_id=\"ASIAEXAMPLE\" expiration=2099-01-01 00:00:00 UTC source=\"profile \\e[7m\">"
    credentials = described_class.new('ASIAEXAMPLE', 'canary-secret', 'canary-token', expiration: expiration, source: "profile \e[7m")
    expect(described_class.new('AKIA', 'canary-secret').inspect).to eq("#<#{described_class} access_key_id=\"AKIA\">")
    expect([credentials.inspect, credentials.to_s, credentials.pretty_inspect.chomp, "#{credentials}", PP.pp(credentials, +'').chomp]) # rubocop:disable Style/RedundantInterpolation
      .to all(eq(printed))
  end

  it 'keeps no secret where a walk over its instance variables finds it' do
    seen = [credentials]
    seen.each { |object| seen.concat(object.instance_variables.map { |name| object.instance_variable_get(name) }) }
    expect(seen.grep(String)).to contain_exactly('ASIAEXAMPLE', '123456789012')
  end

  it 'is refused by Marshal and YAML, alone and inside others, in a sentence' do
    attempts = [-> { Marshal.dump(credentials) }, -> { Marshal.dump([credentials]) }, -> { YAML.dump(credentials) }, -> { YAML.dump({ a: credentials }) },
                -> { credentials.to_yaml }]
    expect(attempts).to all(raise_error(TypeError, /Credentials holds a secret and is not turned into (Marshal|YAML)/))
  end

  it 'is the text of inspect in JSON, at any depth' do
    shown = credentials.inspect
    expect(JSON.parse(credentials.to_json)).to eq(shown)
    expect(JSON.parse(JSON.generate({ a: [{ b: credentials }], credentials => 1 }))).to eq('a' => [{ 'b' => shown }], shown => 1)
    expect(JSON.parse(JSON.pretty_generate([credentials]))).to eq([shown])
    expect(JSON.parse(JSON.dump({ a: credentials }))).to eq('a' => shown)
    expect(credentials.as_json(only: :secret_access_key)).to eq(shown)
  end

  it 'is not made by a loader either' do
    expect { YAML.unsafe_load("--- !ruby/object:#{described_class} {}\n") }.to raise_error(TypeError, /YAML/)
    expect { described_class.allocate.marshal_load([]) }.to raise_error(TypeError, /Marshal/)
  end

  it 'is equal to one of a subclass, with the same hash' do
    mine, other = [described_class, Class.new(described_class)].map { |type| type.new('AKIA', 'secret') }
    expect([mine == other, other.eql?(mine), { mine => 1 }[other]]).to eq([true, true, 1])
  end
end
