# frozen_string_literal: true

# Run by canary_spec in a process of its own: takes credentials from the source that ENV names and prints every object of this gem in
# every form a program may print it. The secrets themselves are written to the file CANARY_FILE, so that the spec knows them.

require 'json'
require 'logger'
require 'pp'
require 'yaml'

$stdout.binmode
$stdout.sync = true
aws = Legion::Extensions::Identity::Aws
aws.logger = Logger.new($stdout, level: Logger::DEBUG)

# What gives the secret of an object.
READERS = %i[secret_access_key session_token token credential].freeze

# Every way to turn an object into text; the message of a refusal is text too.
FORMS = {
  inspect:     :inspect.to_proc,
  to_s:        :to_s.to_proc,
  to_str:      ->(object) { "#{object} #{format('%p', object)} #{[object]} #{{ object => object }}" },
  pp:          ->(object) { PP.pp([object, { nested: object }], +'') },
  puts:        ->(object) { warn object },
  marshal:     ->(object) { Marshal.dump(object) },
  marshal_in:  ->(object) { Marshal.dump([{ in: object }]) },
  yaml:        ->(object) { YAML.dump({ in: object }) },
  to_yaml:     :to_yaml.to_proc,
  json:        ->(object) { JSON.generate({ in: [object] }) },
  to_json:     :to_json.to_proc,
  json_pretty: ->(object) { JSON.pretty_generate([object]) },
  as_json:     ->(object) { object.as_json.to_s },
  to_h:        ->(object) { object.to_h.to_s },
  to_a:        ->(object) { Array(object).to_s },
  hash:        ->(object) { object.hash.to_s },
  members:     ->(object) { object.instance_variables.map { |name| object.instance_variable_get(name) }.to_s },
  dup:         ->(object) { "#{object.dup.inspect} #{object.clone.inspect}" },
  no_method:   :there_is_no_such_method.to_proc,
  wrong_call:  ->(object) { object.inspect(1, 2, 3) },
  frozen:      ->(object) { object.instance_variable_set(:@other, 1) && '' },
  changed:     ->(object) { READERS.select { |name| object.respond_to?(name) }.each { |name| object.public_send(name)&.<<('x') } && '' }
}.freeze

def show(name, object, without: [])
  FORMS.except(*without).each do |form, make|
    puts "#{name} #{form}: #{make.call(object)}"
  rescue StandardError => e
    show_error("#{name} #{form}", e)
  end
end

def show_error(name, error)
  puts "#{name} raised #{error.class}: #{error.message}", error.inspect, error.full_message(highlight: false), error.full_message(highlight: true)
  puts error.detailed_message if error.respond_to?(:detailed_message)
  error.instance_variables.each { |variable| puts "#{variable}: #{error.instance_variable_get(variable).inspect}" }
  puts Marshal.dump(error), YAML.dump(error), error.to_json
  puts error.receiver.inspect if error.is_a?(NameError)
  show_error("#{name}, cause", error.cause) if error.cause
end

def try(name, without: [])
  show(name, yield, without: without)
rescue StandardError => e
  show_error(name, e)
end

options = eval(ENV.fetch('CANARY_OPTIONS', '{}')) # rubocop:disable Security/Eval -- our own spec's text
session = begin
  aws::Session.new(logger: Logger.new($stdout, level: Logger::DEBUG), **options)
rescue StandardError => e
  show_error('new', e)
  nil
end

if session
  try('session') { session }
  try('credentials') do
    credentials = session.credentials
    File.write(ENV.fetch('CANARY_FILE'), [credentials.secret_access_key, credentials.session_token].compact.join("\n"))
    credentials
  end
  %i[identity attempts settings counters expiration set? needs_refresh? prefetch refresh! inspect].each do |name|
    try("session.#{name}") { session.public_send(name) }
  end
  try('token') do
    token = session.token_for(:rds, host: 'h', port: 1, user: 'u')
    File.write(ENV.fetch('CANARY_FILE'), "\n#{token.token[/X-Amz-Signature=\w+/]}", mode: 'a')
    token
  end
  try('identity token') do
    token = session.identity_token(audience: 'canary')
    File.write(ENV.fetch('CANARY_FILE'), "\n#{token.token}", mode: 'a')
    token
  end
  try('Aws.default_for_sdk') { aws.default_for_sdk(session) }
  try('env', without: %i[to_h to_a]) { session.env } # a Hash of the secrets, for spawn
  try('session with credentials') { session }
  try('native') { session.instance_variable_get(:@native) }
  try('lease') { aws::Lease.of(session.credentials) }
end

require 'legion/extensions/identity/aws/legionio/provider'
provider = aws::LegionIO::Provider.new(**options)
%i[resolve provide_token current_credentials settings refresh resolve].each { |name| try("provider.#{name}") { provider.public_send(name) } }
try('living, read') { provider.current_credentials.tap(&:access_key_id) }
try('Identity.resolve') { aws::Identity.resolve }
try('Aws.settings') { aws.settings }
try('Aws.doctor') { aws.doctor(assume: true, **options) }
try('unknown option') { aws::Session.new(**options, secret_acces_key: ENV.fetch('CANARY', 'canary')) }
show('provider', provider)
if session
  try('token of Vault') do
    require 'legion/extensions/identity/aws/legionio/vault_sync'
    raise aws::NoCredentialsError unless session.credentials(fetch: false)

    token = "hvs.#{'canary-of-vault' * 3}"
    File.write(ENV.fetch('CANARY_FILE'), "\n#{token}", mode: 'a')
    grant = aws::LegionIO::VaultLogin::Grant.new(aws::Internal::Secret.new(token), 60, true)
    aws::LegionIO::VaultToken.new(nil, [1], grant, 60, 0.0, Time.now)
  end
end
# LegionIO's class, as much as our lease of a token needs of it. Last, since with it a Lease is one of LegionIO's.
if session
  module Legion
    module Identity
      Lease = Struct.new(:provider, :credential, :expires_at, :renewable, :issued_at, :metadata, keyword_init: true)
    end
  end
  try('token lease') do
    require 'legion/extensions/identity/aws/legionio/token_provider'
    token = session.token_for(:msk)
    File.write(ENV.fetch('CANARY_FILE'), "\n#{token.token}", mode: 'a')
    aws::LegionIO::TokenLease.new(token, nil)
  end
end
puts 'the end'
