# frozen_string_literal: true

require 'legionio/support/boots'

RSpec.describe 'LegionIO with failures' do
  phase_zero = LegionIO::PHASE_ZERO

  describe 'with a broken library', order: :defined do
    boots do
      @broken = Dir.mktmpdir('broken')
      FileUtils.cp_r("#{LegionIO::GEMS}/ours/.", @broken)
      Dir.glob("#{@broken}/**/lex_identity_aws.so") { |path| File.truncate(path, 4096) }
      { gems: [@broken], settings: phase_zero }
    end
    after(:context) { FileUtils.rm_rf(@broken) }

    it 'comes up, and one line says what is wrong and what to do' do
      expect(legion.get('/api/health').code).to eq('200')
      lines = legion.lines_of_ours.grep(/native library/)
      expect(lines).not_to be_empty
      expect(lines).to all(match(/WARN .*failed to load: The native library of lex-identity-aws .* cannot be loaded .*file too short.*Install the gem again/))
      expect(identity[:registered_providers]).to be_empty
    end

    it 'shuts down cleanly' do
      expect(legion.stop.last).to be_success
    end
  end

  describe 'with an STS that refuses', order: :defined do
    boots do |aws|
      aws.rule(service: :sts, action: 'AssumeRole', answer: { error: { status: 403, code: 'AccessDenied', message: 'not authorized' } })
      { settings: { **phase_zero, identity: { aws: { role_arn: BootQuestions::WORKER } } } }
    end

    it 'comes up under its fallback name, and one line says why' do
      expect(identity).to include(canonical_name: 'legion', profile: {})
      expect(token).to be_nil
      expect(legion.lines_of_ours).to match([/ WARN .*no AWS identity: .*AssumeRole .*legion-worker.*AccessDenied.*trust policy/])
    end

    it 'gets name, kind, rows and lease as soon as STS answers' do
      aws.send(:control, :delete, 'rules')
      legion.wait_for(timeout: 40) { identity[:source] == 'aws' }
      expect(identity).to include(canonical_name: 'legion-worker', kind: 'machine', trust: 'verified', aliases: { aws: [BootQuestions::WORKER] },
                                  profile: { aws: include(role: 'legion-worker') })
      legion.wait_for { token }
      expect(legion.rows(:identity_principals)).to match([include(canonical_name: 'legion-worker', kind: 'machine')])
      expect(File.read("#{legion.home}/.legionio/settings/identity.json")).to include('legion-worker', 'machine')
    end

    it 'shuts down cleanly' do
      expect(legion.stop.last).to be_success
    end
  end

  describe 'with an STS that hangs', order: :defined do
    boots do |aws|
      aws.rule(service: :sts, answer: 'hang')
      { settings: { **phase_zero, logging: { level: 'debug' } } } # else Resolver says nothing
    end

    it 'comes up in spite of it, and never waits the 5 s after which LegionIO gives a provider up' do
      expect(legion.log.scan(/resolve_auth: aws status=(\w+)/).flatten).to include('failed').and all(eq('failed'))
      expect(identity).to include(canonical_name: 'legion')
      expect(legion.lines_of_ours).to match([/ WARN .*no AWS identity: .*no answer/i])
      tell('boot with an STS that hangs, two passes: %.1f s', legion.seconds_to_boot)
    end

    it 'exits in time on SIGTERM, while it asks' do
      legion.wait_for { aws.requests(service: :sts).any? { |request| request[:status].nil? } }
      seconds, status = legion.stop
      tell('SIGTERM while it asks: exited after %.1f s', seconds)
      expect(seconds).to be < 12
      expect(status).to be_success
    end
  end

  describe 'with all its siblings beside us', order: :defined do
    boots { { gems: %w[ours siblings], settings: { **phase_zero, identity: { aws: { role_arn: BootQuestions::WORKER } } } } }

    it 'has our providers once, our alias, our lease, and nothing of ours twice' do
      names = identity[:registered_providers].map { |provider| provider[:name] }
      expect(names.tally).to include('aws' => 1, 'aws_profile' => 1)
      expect(identity[:providers][:aws]).to include(status: 'resolved')
      expect(identity[:aliases][:aws]).to eq([BootQuestions::WORKER])
      expect(token).to match(/\AASIA/)
      expect(legion.lines_of_ours.grep(/this process is/).size).to eq(1)
      expect(legion.lines_of_ours.grep(/ (WARN|ERROR) /)).to be_empty
      expect(calls('AssumeRole')).to eq(1)
    end

    it 'shuts down cleanly' do
      expect(legion.stop.last).to be_success
    end
  end
end
