# frozen_string_literal: true

require 'support/local_aws'
require 'support/legionio'

# The demo of bin/demo with LegionIO, where it is installed: it boots with the packed gem and the local AWS, and has its identity.
class LegionIODemo
  WORKER = 'arn:aws:iam::123456789012:role/legion-worker'

  def self.run = new.run

  def run
    aws = LocalAws.start
    settings = { **LegionIO::PHASE_ZERO, identity: { aws: { role_arn: WORKER, roles: { partner: 'arn:aws:iam::210987654321:role/partner' } } } }
    legion = LegionIO.boot(settings: settings, env: { 'AWS_REGION' => 'eu-west-1', **aws.env_with_keys }.compact)
    tell(legion)
    seconds, = legion.stop
    line 'SIGTERM', format('ended after %.1f s; LegionIO waits 5 s for its database by itself', seconds)
  ensure
    legion&.kill
    aws&.stop
  end

  private

  def tell(legion)
    puts "LegionIO #{legion.ask('Legion::VERSION')} in lite mode, up in #{legion.seconds_to_boot.round(1)} s with the installed gem\n\n"
    identity = legion.api('/api/identity')
    line '/api/identity', identity.slice(:canonical_name, :kind, :source, :trust).map { |name, value| "#{name}: #{value}" }.join(', ')
    line 'alias', identity[:aliases][:aws].join
    line 'facts', identity[:profile][:aws].slice(:account, :region, :arn).map { |name, value| "#{name}: #{value}" }.join(', ')
    line 'database', legion.rows(:identities).map { |row| row[:provider_identity_key] }.join(', ')
    legion.wait_for { legion.ask('Legion::Identity::Broker.token_for(:aws, qualifier: :partner)') }
    line 'Broker', legion.ask('Legion::Identity::Broker.leases[:aws].map { |name, lease| [name, lease[:metadata][:access_key_id]].join(": ") }.join(", ")')
    line 'log', legion.lines_of_ours.join("\n#{' ' * 17}")
  end

  def line(name, text)
    puts "  #{name.ljust(14)} #{text}"
  end
end
