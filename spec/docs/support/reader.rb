# frozen_string_literal: true

require 'cli/support/program'
require 'docs/support/blocks'
require 'docs/support/given'

# The machine of somebody who follows the pages: a HOME with profiles and programs, and the local AWS with the roles that a page names.
module Reader
  PROFILES = <<~INI
    [profile base]
    aws_access_key_id = AKIADEMOUSERFAKEAWS2
    aws_secret_access_key = demo+secret/of/the/local/AWS+not/a/key00
    [profile prod]
    role_arn = arn:aws:iam::123456789012:role/legion-worker
    source_profile = base
    [profile production]
    role_arn = arn:aws:iam::123456789012:role/legion-worker
    source_profile = base
    [profile admin]
    role_arn = arn:aws:iam::123456789012:role/mfa-only
    source_profile = base
    mfa_serial = arn:aws:iam::123456789012:mfa/demo
  INI
  # Programs of others, as far as the pages need them: each ends well where it was given keys.
  PROGRAMS = %w[aws terraform].to_h { |name| [name, "#!/bin/sh\ntest -n \"$AWS_ACCESS_KEY_ID\"\n"] }
                              .merge('psql' => "#!/bin/sh\ntest -n \"$PGPASSWORD\"\n", 'jq' => "#!/bin/sh\nexec cat\n").freeze

  def self.included(group)
    group.include(Program)
    group.before do
      file('.aws/config', PROFILES)
      PROGRAMS.each { |name, text| file("bin/#{name}", text, mode: 0o755) }
      installed_program
    end
  end

  # Roles are assumed by all who may call: which policies that takes is not shown by the local AWS.
  def trust_roles_of(text)
    roles = text.scan(%r{arn:aws:iam::\d+:role/[\w/-]+}).uniq - local_aws.world.fetch('roles').keys
    local_aws.world(roles: roles.to_h { |arn| [arn, {}] }) if roles.any?
  end

  # The token that `aws sso login` leaves behind, for each sso-session of a config file.
  def login_of(config)
    config.scan(/^\[sso-session (\S+)\]\nsso_start_url = (\S+)\nsso_region = (\S+)$/) do |name, url, region|
      file(".aws/sso/cache/#{Digest::SHA1.hexdigest(name)}.json",
           JSON.generate(startUrl: url, region: region, accessToken: 'sso-access-token-of-the-local-AWS', expiresAt: '2199-01-01T00:00:00Z'))
    end
  end

  def environment(machine = nil)
    { **(machine == :ec2 ? local_aws.env : keys), 'HOME' => home, 'PATH' => "#{home}/bin:#{ENV.fetch('PATH')}", 'AWS_REGION' => 'eu-west-1',
      'AZURE_FEDERATED_TOKEN_FILE' => "#{home}/azure.jwt", 'GCP_TOKEN_FILE' => "#{home}/gcp.jwt" }
  end

  # What a process says that runs the blocks of a page in turn.
  def run_page(page, blocks, given)
    local_aws.world(**given.world) if given.world
    trust_roles_of(blocks.map(&:text).join)
    program = { page: page, before: given.before, blocks: blocks.map { |block| as_data(block, given.after.to_h) } }
    ruby_process(<<~RUBY, env: environment(given.machine), timeout: 50)
      $LOAD_PATH.unshift(#{File.expand_path('../..', __dir__).inspect})
      require 'docs/support/page_program'
      failures = PageProgram.new(JSON.parse(#{JSON.generate(program).dump})).run
      $stdout.flush
      warn failures unless failures.empty?
    RUBY
  end

  def as_data(block, after)
    { line: block.line, text: block.text, stand_ins: block.stand_ins, after: after.find { |part, _| block.text.include?(part) }&.last }
  end
end
