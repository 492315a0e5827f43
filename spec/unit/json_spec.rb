# frozen_string_literal: true

# A process of its own for each library, because ActiveSupport changes `to_json` of every object.
RSpec.describe 'Objects of ours in the JSON of an application' do
  ways = {
    'json'          => ['json', '->(data) { JSON.generate(data) }, :to_json.to_proc, ->(data) { JSON.pretty_generate(data) }, ->(data) { JSON.dump(data) }'],
    'ActiveSupport' => ['active_support/all', ':to_json.to_proc, ->(data) { ActiveSupport::JSON.encode(data) }, ->(data) { JSON.generate(data.as_json) }, ' \
                                              '->(data) { JSON.generate(data) }'],
    'Oj'            => ['oj', '*%i[rails compat json].map { |mode| ->(data) { Oj.dump(data, mode: mode) } }'],
    'Oj for json'   => ['oj', '*(Oj.mimic_JSON && []), ->(data) { JSON.generate(data) }, :to_json.to_proc']
  }

  ways.each do |name, (library, dumps)|
    it "are the text of their inspect, with #{name}" do
      code = <<~RUBY
        begin
          require '#{library}'
        rescue LoadError
          abort 'not installed'
        end
        require 'legion/extensions/identity/aws'
        aws = Legion::Extensions::Identity::Aws
        session = aws::Session.new
        session.credentials
        objects = { credentials: session.credentials, session: session, current: aws::Identity.current_credentials, env: session.env,
                    token: session.token_for(:rds, host: 'h', port: 1, user: 'u') }
        texts = [#{dumps}].flat_map { |dump| objects.values.map { |object| [object.inspect, dump.call({ 'extra' => [{ 'deep' => object }] })] } }
        require 'json'
        texts.each { |inspect, text| puts JSON.parse(text)['extra'][0]['deep'] == inspect ? 'its inspect' : text }
      RUBY
      result = ruby_process(code, env: local_aws.env_with_keys.merge('AWS_REGION' => 'eu-west-1'))
      skip "#{name} is not installed here" if result.stderr.include?('not installed')

      expect(result.stderr).to eq('')
      expect(result.stdout.lines(chomp: true).uniq).to eq(['its inspect'])
    end
  end
end
