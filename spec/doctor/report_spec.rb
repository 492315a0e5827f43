# frozen_string_literal: true

require 'doctor/support/broken_world'

RSpec.describe 'The report of the doctor' do
  include BrokenWorld

  it 'is plain data for programs' do
    report = examine(keys.merge('AWS_CA_BUNDLE' => '/nowhere'), region: 'eu-west-1')
    data = JSON.parse(report.to_json)
    expect(data).to include('version' => Legion::Extensions::Identity::Aws::VERSION, 'ruby' => RUBY_VERSION, 'ok' => true, 'problems' => [])
    expect(data.fetch('findings').map { |found| found['check'] }.uniq).to eq(%w[library settings files sources network identity mfa role cache legionio])
    expect(data.fetch('findings')).to all(include('check', 'name', 'status', 'what', 'remedy', 'milliseconds', 'details'))
    expect(JSON.pretty_generate(report)).to include("\n  \"findings\": [\n")
  end

  it 'is a text, with what to do at its end' do
    text = examine(local_aws.env.merge('AWS_ACCESS_KEY_ID' => 'AKIAX'), role_arn: "#{BrokenWorld::ROLE}legion-worker").to_s
    expect(text.lines.first).to start_with("lex-identity-aws #{Legion::Extensions::Identity::Aws::VERSION}, Ruby #{RUBY_VERSION}").and end_with("1 problem\n")
    expect(text).to match(/^  FAIL  environment +AWS_ACCESS_KEY_ID is set and/)
    expect(text).to end_with("What to do\n1. sources, environment: AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not.\n   Set both, or neither.")
    expect(examine.to_s.lines.first).to include('nothing stands in the way')
  end

  it 'puts what stands in the way before what is only to be mended' do
    file('.aws/config', "[default]\n", mode: 0o666)
    report = examine(local_aws.env.merge('AWS_ACCESS_KEY_ID' => 'AKIAX'))
    expect(report.problems.map(&:status)).to eq(%i[fail warn])
    expect(report.to_s.lines.first).to end_with("1 problem, 1 warning\n")
    expect(report.findings.map(&:status).index(:warn)).to be < report.findings.map(&:status).index(:fail)
  end

  it 'is frozen, all of it' do
    report = examine
    expect([report, report.findings, *report.findings, *report.findings.map(&:details), *report.findings.map(&:what)]).to all(be_frozen)
  end

  it 'says how long slow things took' do
    local_aws.rule(service: :sts, delay_ms: 300) do
      report = examine
      milliseconds = finding(report, 'network', 'answer').milliseconds
      expect(milliseconds).to be >= 300
      expect(report.to_s).to match(/answers \(HTTP 400\) \[#{milliseconds} ms\]/)
    end
  end
end
