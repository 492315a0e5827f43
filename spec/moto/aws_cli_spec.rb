# frozen_string_literal: true

require 'json'
require 'open3'
require 'support/moto'
require 'tmpdir'

# Our program as a credential_process of the AWS CLI and boto3; moto checks what they sign.
RSpec.describe 'lex-identity-aws as a credential_process', timeout: 120 do
  before(:all) { @moto = Moto.start }
  after(:all) { @moto&.stop }

  attr_reader :moto

  around { |example| Dir.mktmpdir { |folder| (@folder = folder) && example.run } }

  def file(name, text, mode: 0o600)
    File.join(@folder, name).tap { |path| File.write(path, text) && File.chmod(mode, path) }
  end

  def program
    file('lex-identity-aws', "#!/bin/sh\nexec #{RbConfig.ruby} #{File.expand_path('../../exe/lex-identity-aws', __dir__)} \"$@\"\n", mode: 0o755)
  end

  # No keys in the environment: their only credentials are those of our program.
  def profiles
    { 'AWS_ACCESS_KEY_ID' => nil, 'AWS_SECRET_ACCESS_KEY' => nil,
      'AWS_SHARED_CREDENTIALS_FILE' => file('credentials', "[base]\naws_access_key_id = #{moto.key}\naws_secret_access_key = #{moto.secret}\n"),
      'AWS_CONFIG_FILE' => file('config', <<~INI) }
        [profile ours]
        credential_process = #{program} credentials --format process --profile base
        [profile our-role]
        credential_process = #{program} credentials --format process --profile worker
        [profile worker]
        role_arn = #{moto.role}
        role_session_name = from-our-program
        source_profile = base
        [profile itself]
        credential_process = #{program} credentials --format process --profile itself
      INI
  end

  def aws(*words)
    # The CLI is a Python program; it runs in the environment that the example has set.
    out, err, status = Open3.capture3(File.join(Moto::FOLDER, 'aws'), *words, '--output', 'json')
    [status.success? ? JSON.parse(out) : out, err, status]
  end

  it 'gives the AWS CLI an identity' do
    with_env(moto.env.merge(profiles)) do
      answer, = aws('sts', 'get-caller-identity', '--profile', 'ours')
      expect(answer).to include('Arn' => a_string_ending_with(':user/machines/legion'))
    end
  end

  it 'gives the AWS CLI the session of a role' do
    with_env(moto.env.merge(profiles)) do
      answer, = aws('sts', 'get-caller-identity', '--profile', 'our-role')
      expect(answer).to include('Arn' => a_string_ending_with(':assumed-role/worker/from-our-program'))
    end
  end

  it 'gives boto3 an identity' do
    with_env(moto.env.merge(profiles, 'AWS_PROFILE' => 'ours')) { expect(moto.boto3_identity['arn']).to end_with(':user/machines/legion') }
  end

  it 'gives the AWS CLI the reason where it is called for its own profile' do
    with_env(moto.env.merge(profiles)) do
      _, err, status = aws('sts', 'get-caller-identity', '--profile', 'itself')
      expect(status).not_to be_success
      expect(err).to include('the very profile it belongs to', '--profile with another profile')
      expect(err).not_to include(moto.secret)
    end
  end
end
