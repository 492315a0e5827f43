# frozen_string_literal: true

require 'legionio/support/boots'

RSpec.describe 'The doctor inside LegionIO' do
  # The second example takes the roles out of the settings.
  describe 'as it comes', order: :defined do
    boots { |aws| { env: aws.env_with_keys, settings: { identity: { aws: { roles: { deployer: { role_arn: BootQuestions::DEPLOYER } } } } } } }

    def findings
      found = legion.ask("#{BootQuestions::OURS}.doctor.findings.map { |f| [f.check, f.name, f.status, f.what, f.remedy] }", timeout: 40)
      found.to_h { |check, name, *rest| [[check, name], rest] }
    end

    it 'finds registration, leases and renewers, those of the roles too' do
      legion.wait_for { token(:deployer) }
      found = findings.select { |(check, _), _| check == 'legionio' }.transform_keys(&:last)
      expect(found.transform_values(&:first)).to eq('version' => :ok, 'phase' => :warn, 'registration' => :ok, 'lease default' => :ok, 'renewer default' => :ok,
                                                    'lease deployer' => :ok, 'renewer deployer' => :ok)
      expect(found.fetch('version')[1]).to match(/\A1\.9\.\d+, this process\z/)
      expect(found.fetch('registration')[1]).to include('its last answer: resolved')
      expect(found.fetch('phase')).to match([:warn, a_string_including('phase 1'), a_string_including('"phase":0')])
    end

    it 'takes settings from LegionIO' do
      expect(findings.fetch(%w[settings resolve_timeout])).to eq([:ok, '4.0 (default)', nil])
      change_settings(region: 'eu-west-3')
      expect(findings.fetch(%w[settings region])).to eq([:ok, 'eu-west-3 (settings)', nil])
    end
  end

  describe 'with roles of which some cannot be used' do
    roles = { deployer: BootQuestions::DEPLOYER, forbidden: 'arn:aws:iam::123456789012:role/forbidden', odd: { role_arm: 'x' }, five: 5,
              words: 'nonsense', limited: { scope_policy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] } } }
    boots { |aws| { env: aws.env_with_keys, settings: { identity: { aws: { role_arn: 'arn:aws:iam::123456789012:role/legion-worker', roles: roles } } } } }

    it 'finds each, and tries it where it is told to' do
      ask = "#{BootQuestions::OURS}.doctor(assume: true).findings.select { |f| f.check == 'role' && f.details[:qualifier] }" \
            '.map { |f| [f.details[:qualifier], [f.status, f.what, f.details[:trust_policy]]] }.to_h'
      found = legion.ask(ask, timeout: 60)
      status = { 'deployer' => :ok, 'forbidden' => :fail, 'odd' => :fail, 'five' => :fail, 'words' => :fail, 'limited' => :ok }
      expect(found.transform_values(&:first)).to eq(status)
      expect(found.fetch('forbidden').last).to include('"AWS":"arn:aws:iam::123456789012:user/demo"')
    end
  end

  describe 'in phase 0' do
    boots { { settings: LegionIO::PHASE_ZERO } }

    it 'says so, and finds a renewer that has died' do
      ask = ->(name) { legion.ask("#{BootQuestions::OURS}.doctor.findings.find { |f| f.name == #{name.inspect} }.then { |f| [f.status, f.what] }", timeout: 40) }
      expect(ask['phase']).to match([:ok, a_string_including('phase 0')])
      legion.ask("#{BootQuestions::BROKER}.renewer_for(:aws).instance_variable_get(:@thread).kill.join; nil")
      expect(ask['renewer default']).to match([:warn, a_string_including('its thread has ended')])
    end
  end
end
