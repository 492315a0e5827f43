# frozen_string_literal: true

# What Ruby keeps of ENV and of options while the sessions that were made of them are in use.
RSpec.describe 'A secret that a session was made of' do
  # Prints how many Strings of Ruby hold what ENV and the options had. There are a hundred of each, because Ruby takes for a reference what
  # still lies on a stack, and so keeps a few; they are made on threads that end.
  prelude = <<~RUBY
    require 'legion/extensions/identity/aws'
    AWS = Legion::Extensions::Identity::Aws
    BACKWARDS = 'egac-on-ni=sgnis+sceps-eht+fo-yranac'
    WORKER = 'arn:aws:iam::123456789012:role/legion-worker'
    KEPT = []
    def planted(number = 0) = "\#{BACKWARDS.reverse}\#{number}"
    def hundred(&block) = apart { 100.times(&block) }
    def apart(&block) = Thread.new { block.call && nil }.join
    def strings = ObjectSpace.each_object(String).count { |text| text.b.reverse.include?(BACKWARDS) }
  RUBY

  define_method(:strings) do |code|
    code += "\n3.times { GC.start }\nabort 'nothing is kept' if KEPT.empty?\nputs strings"
    result = ruby_process(prelude + code, env: local_aws.env_with_keys, timeout: 50)
    expect(result.stderr).to eq('')
    Integer(result.stdout)
  end

  it 'is seen by this spec' do
    expect(strings('hundred { |number| KEPT << planted(number) }')).to be >= 100
  end

  it 'is in no String of Ruby when it was in ENV' do
    expect(strings(<<~RUBY)).to be < 30
      hundred { |number| ENV["PASSWORD_\#{number}"] = planted(number) }
      apart do
        KEPT << (session = AWS::Session.new(role_arn: WORKER)) << session.assume_role(role_arn: WORKER)
        session.credentials
        session.on_change {}
        KEPT << AWS::Identity.resolve << AWS::Identity.provide_token << AWS.profiles << AWS.doctor.to_s
      end
      hundred { |number| ENV.delete("PASSWORD_\#{number}") }
    RUBY
  end

  it 'is in no String of Ruby when it was an option' do
    expect(strings(<<~RUBY)).to be < 30
      hundred do |number|
        KEPT << AWS::Session.new(role_arn: WORKER, external_id: planted(number), endpoint: "http://u:\#{planted(number)}@127.0.0.1:9")
        KEPT << (session = AWS::Session.new(role_arn: 'arn:aws:iam::123456789012:role/irsa-app', web_identity_token: planted(number)))
        session.web_identity_token = planted(number)
        KEPT << session.assume_role(role_arn: WORKER, external_id: planted(number)) << AWS::Credentials.new('AKIA', planted(number), planted(number))
      end
    RUBY
  end
end
