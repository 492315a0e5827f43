# frozen_string_literal: true

require 'cli/support/program'

RSpec.describe 'lex-identity-aws token' do
  include Program

  let(:env) { keys.merge('AWS_REGION' => 'eu-west-1') }

  it 'prints a token alone, for a pipe' do
    expect(in_pipe('token', 'rds', '--host', 'db.example', '--port', '5432', '--user', 'app', env: env))
      .to have_attributes(exit: 0, stderr: '', stdout: %r{\Adb\.example:5432/\?Action=connect&DBUser=app&X-Amz-\S+\n\z})
    expect(in_pipe('token', 'identity', '--audience', 'a', '--tag', 'team=x', env: env).stdout).to match(/\A[\w-]+\.[\w-]+\.[\w-]+\n\z/)
    expect(in_pipe('token', 'msk', '--region', 'us-west-2', env: env)).to have_attributes(exit: 0, stdout: /\A[\w-]+\n\z/)
  end

  it 'takes --json, as every command does' do
    expect(in_pipe('token', 'eks', '--cluster', 'c', '--json', env: env).data).to include('token', 'kind' => 'eks')
    expect(in_pipe('--json', 'credentials', env: env).data).to include('access_key_id' => env.fetch('AWS_ACCESS_KEY_ID'))
  end

  it 'is what kubectl takes from a plugin' do
    answer = in_pipe('token', 'eks', '--cluster', 'c', '--format', 'exec-credential', env: env)
    expect(answer.data).to match('kind' => 'ExecCredential', 'apiVersion' => 'client.authentication.k8s.io/v1beta1', 'spec' => {},
                                 'status' => { 'expirationTimestamp' => /\A\d{4}-\d\d-\d\dT[\d:]+Z\z/, 'token' => /\Ak8s-aws-v1\./ })
    asked = env.merge('KUBERNETES_EXEC_INFO' => '{"apiVersion":"client.authentication.k8s.io/v1"}')
    expect(in_pipe('token', 'eks', '--cluster', 'c', '--format', 'exec-credential', env: asked).data['apiVersion']).to end_with('/v1')
  end

  it 'answers kubectl in an API that there is, whatever the variable holds' do
    { '' => '', ' ' => '', '{"apiVersion":"client.authentication.k8s.io/v1alpha1"}' => '', '[]' => /names no API/, '5' => /names no API/,
      'null' => /names no API/, '{}' => /names no API/, '{"apiVersion":null}' => /names no API/, '{"apiVersion":{"a":1}}' => /names no API/,
      '{"apiVersion":"other/v9"}' => /names no API/, '{' => /is no JSON/, "\xFF{" => /is no JSON/ }.each do |info, said|
      answer = in_pipe('token', 'eks', '--cluster', 'c', '--format', 'exec-credential', env: env.merge('KUBERNETES_EXEC_INFO' => info))
      expect(answer).to have_attributes(exit: 0, stderr: said)
      expect(answer.data['apiVersion']).to match(%r{\Aclient\.authentication\.k8s\.io/v1(alpha|beta)1\z})
    end
  end

  it 'shows a token on a terminal only where it is asked to' do
    expect(on_terminal('token', 'eks', '--cluster', 'c', env: env).stdout).to match(/kind +eks\n/).and(satisfy { |text| !text.include?('k8s-aws-v1') })
    expect(on_terminal('token', 'eks', '--cluster', 'c', '--show', env: env).stdout).to include('k8s-aws-v1.')
  end

  it 'says what is missing or unknown' do
    { [] => /takes a kind: identity, eks/, %w[eks] => /needs cluster/, %w[esk] => /no token of kind "esk"/, %w[identitty] => /Did you mean identity/,
      %w[identity --audience a --cluster c] => /takes no "cluster"/, %w[identity --audience a --port 1] => /takes no "port"/,
      %w[identity] => /needs --audience/,
      %w[eks --cluster c --port 1] => /takes no "port"/, %w[eks rds] => /takes no "rds"/, %w[rds --port x] => /--port x/,
      %w[identity --audience a --tag x] => /NAME=VALUE/ }.each do |words, said|
      expect(in_pipe('token', *words, env: env)).to have_attributes(exit: 2, stdout: '', stderr: said)
    end
  end
end
