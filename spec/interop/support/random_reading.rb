# frozen_string_literal: true

require 'digest'
require_relative 'configuration'

# What people and tools write into files, variables and answers, by chance and by kind, the same for the same seed: times, headers, line
# ends, paths, values that name a section, outputs of a process, two ways in one profile. boto3 is the judge, but where `because` says why
# we differ; then `who` is what we are to say.
class RandomReading
  KINDS = %i[times headers line_ends paths values outputs two_ways].freeze

  # A time in 2199, in every form that tools write.
  TIMES = [
    *%w[T t].product(%w[Z z UTC GMT +00:00 +0000 -00:00 +09:30 -0800 +05]).map { |t, zone| "2199-01-02#{t}03:04:05#{zone}" },
    *['Z', ' UTC', '+00:00', ' +0000', '  -0330'].map { |zone| "2199-01-02 03:04:05#{zone}" },
    *%w[.5Z .123456Z ,25Z .123456789+00:00 .000UTC].map { |rest| "2199-01-02T03:04:05#{rest}" },
    '2199-01-02T03:04Z', '2199-01-02 03:04 GMT', '21990102T030405Z', '21990102T030405.5+0100', '21990102T0304Z',
    'Wed, 02 Jan 2199 03:04:05 GMT', 'Wed, 2 Jan 2199 03:04:05 +0200', '02 Jan 2199 03:04:05 UTC', " 2199-01-02T03:04:05Z\t"
  ].freeze
  # No points in time.
  NO_TIMES = ['2199-01-02T03:04:05', '2199-01-02 03:04:05.5', '21990102T030405', '2199-01-02', 'Wed, 02 Jan 2199 03:04:05', 'soon',
              '2199-02-30T03:04:05Z', '2199-01-02T25:04:05Z', '2199-01-02T03:04:05 +0000 UTC', '7226582645', '7226582645000'].freeze

  HEADERS = ['[profile NAME]', '[profile  NAME ]', "[profile\tNAME]", "[profile 'NAME']", '[profile "NAME"]', '[profiles NAME]', '[profile-x NAME]',
             '[profile NAME] # note', '[profile NAME];note', '[profile NAME] and more', '[profile NAME]]', "[profile 'NAME]", '[profile NAME x]',
             '[Profile NAME]', '[NAME]', "['profile' NAME]", '[profile profile NAME]', '[profileNAME]', "[profile NAME's]"].freeze
  NAMES = ['a', 'prod/eu:1', 'größe', 'my dev', 'a#b', 'x.y@z', 'DEFAULT', 'profile'].freeze

  # Members behind the keys of a process's answer.
  MEMBERS = ['"AccountId": 123456789012', '"AccountId": "123456789012"', '"AccountId": [1]', '"AccountId": null', '"AccountId": true',
             '"SessionToken": null', '"SessionToken": ""', '"Expiration": null', '"Expiration": ""', '"Expiration": 7226582645', '"Expiration": []',
             '"Unknown": {"a": [1, 2]}', '"Message": "ok"', '"Version": 1', '"Version": 2', '"Version": "1"', '"Version": null', '"Version": 1.0'].freeze
  WRAPPINGS = ['OUT', "\n\n  OUT\n\n", 'OUT OUT', 'noise OUT', "OUT\nnoise", '[OUT]', '{"Credentials": OUT}', '', "\t"].freeze

  WAYS = {
    config_keys:      ['{carol}', nil],
    credentials_keys: [nil, '{anna}'],
    process:          ['credential_process = cat {home}/builder.json', nil],
    broken_process:   ['credential_process = false', nil],
    role:             ["role_arn = {role.deployer}\nsource_profile = base", nil],
    role_alone:       ['role_arn = {role.deployer}', nil],
    own_role:         ["role_arn = {role.deployer}\nsource_profile = p", nil],
    token:            ["role_arn = {role.auditor}\nweb_identity_token_file = {home}/token", nil],
    sso:              ["sso_session = legion\nsso_account_id = 123456789012\nsso_role_name = Developer", nil],
    settings:         ['region = us-east-1', 'output = json']
  }.freeze
  SSO = "[sso-session legion]\nsso_start_url = https://legion.awsapps.com/start\nsso_region = us-east-1\n"

  def self.make(kind, name, seed) = new(name, seed).public_send(kind)

  def initialize(name, seed)
    @name = name
    @dice = Random.new(seed)
  end

  # In the answer of a process, in a variable, in the login of SSO.
  def times
    time = pick(one_in(3) ? NO_TIMES : TIMES)
    case @dice.rand(3)
    when 0 then process(JSON.generate('Expiration' => time)[1..-2])
    when 1 then configuration(environment: Configuration.keys_of('anna').merge('AWS_CREDENTIAL_EXPIRATION' => time))
    else configuration(profile: 'p', config: "[profile p]\n#{WAYS[:sso].first}\n#{SSO}", files: login(time))
    end
  end

  def headers
    name = pick(NAMES)
    header = pick(HEADERS)
    text = header.sub('NAME', name)
    config = ["#{text}\n{anna}\n", one_in(3) ? "[profile other]\n{carol}\n" : ''].shuffle(random: @dice).join
    configuration(profile: name, config: config)
  end

  def line_ends
    text = "[default]\n# a comment\naws_access_key_id = {anna.id}\n\naws_secret_access_key = {anna.secret}\n[other]\n{carol}\n"
    ends = pick([["\r"], ["\r\n"], ["\r", "\n"], ["\r", "\n", "\r\n"], ["\n\r", "\n"]])
    configuration(credentials: text.gsub("\n") { pick(ends) }, profile: pick([nil, nil, 'other', 'default']))
  end

  def paths
    path = lambda do
      pick(['~/other', '$HOME/other', '${HOME}/other', '{home}/other', '', '  ', '~', '~/no/such', '~root/no-such-file', '~nosuchuser/x', '$NONE/x'])
    end
    names = %w[AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE].reject { one_in(3) }
    configuration(config: "[default]\n{anna}\n", credentials: one_in(2) ? "[default]\n{carol}\n" : '',
                  files: { 'other' => "[default]\n{temporary}\n" }, environment: names.to_h { |name| [name, path.call] })
  end

  # A source_profile with what may be a comment, and sections of that name or of the part before it.
  def values
    whole = "base#{pick([' #2', ' ;2', '#2', '  # the old one', ' # '])}"
    sections = ['base', whole.strip].uniq.reject { one_in(3) }
    bases = sections.map { |name| "[#{name}]\n{#{name == 'base' ? 'carol' : 'anna'}}\n" }.shuffle(random: @dice).join
    config = "[profile p]\nrole_arn = {role.builder}\nsource_profile = #{whole}\n"
    is_cut = whole.match?(/\s[#;]/) && sections == ['base']
    configuration(profile: 'p', config: config, credentials: bases,
                  **(is_cut && whole.strip != 'base' ? { who: 'assumed-role/builder/*', because: 'Behind a value we know comments.' } : {}))
  end

  def outputs
    members = MEMBERS.sample(@dice.rand(3), random: @dice)
    process(members.join(', '), pick([*['OUT'] * 6, *WRAPPINGS]))
  end

  def two_ways
    ways = WAYS.keys.sample(2 + @dice.rand(2), random: @dice)
    lines = ways.map { |way| WAYS.fetch(way) }
    own = ->(index) { lines.filter_map { |way| way[index] }.flat_map { |text| text.split("\n") }.uniq { |line| line[/\A\w+/] }.join("\n") }
    configuration(profile: 'p', config: "[profile p]\n#{own.call(0)}\n[profile base]\n{carol}\n#{SSO}", credentials: "[p]\n#{own.call(1)}\n",
                  files: { 'builder.json' => '{temporary.json}', 'token' => '{token}' }.merge(login('2199-01-01T00:00:00Z')))
  end

  private

  def one_in(number) = @dice.rand(number).zero?

  def pick(list) = list[@dice.rand(list.size)]

  def process(members, wrapping = 'OUT')
    answer = ['"Version": 1', '"AccessKeyId": "{anna.id}"', '"SecretAccessKey": "{anna.secret}"', *(members unless members.empty?)].join(', ')
    configuration(files: { 'out' => wrapping.gsub('OUT') { "{#{answer}}" } }, config: "[default]\ncredential_process = cat {home}/out\n")
  end

  def login(time)
    name = Digest::SHA1.hexdigest('legion')
    { ".aws/sso/cache/#{name}.json" => JSON.generate(startUrl: 'https://legion.awsapps.com/start', region: 'us-east-1',
                                                     accessToken: 'sso-access-token-of-the-local-AWS', expiresAt: time) }
  end

  def configuration(**fields)
    because = fields.delete(:because)
    others = because ? { others: { boto3: nil }, because: because } : {}
    Configuration.new(@name, against: :local, who: nil, **fields, **others)
  end
end
