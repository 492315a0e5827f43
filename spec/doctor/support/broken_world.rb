# frozen_string_literal: true

require 'uri'
require 'digest'
require 'json'
require 'tmpdir'

# A machine for the doctor: a HOME with what an example puts into it, and the keys and secrets that must show up nowhere.
module BrokenWorld
  ROLE = 'arn:aws:iam::123456789012:role/'
  DEMO = 'arn:aws:iam::123456789012:user/demo'

  def self.included(group)
    group.let(:home) { Dir.mktmpdir('broken_world') }
    group.after { FileUtils.remove_entry(home) }
  end

  # Below HOME.
  def file(name, text, mode: 0o600)
    path = File.join(home, name)
    FileUtils.mkdir_p(File.dirname(path))
    File.write(path, text)
    File.chmod(mode, path)
    path
  end

  def keys = local_aws.env_with_keys.merge('HOME' => home)

  # Everything as for real, with STS reached through the proxy only: so no other endpoint is set, and TLS is spoken.
  def through_proxy(**changes)
    { 'AWS_ENDPOINT_URL_STS' => nil, 'AWS_ENDPOINT_URL' => nil, 'AWS_REGION' => 'eu-west-1', 'AWS_CA_BUNDLE' => local_aws.ca_bundle,
      'HTTPS_PROXY' => local_aws.proxy, **changes }
  end

  def demo_profile(name)
    user = local_aws.world.fetch('users').fetch(DEMO)
    "[#{name}]\naws_access_key_id = #{user['access_key_id']}\naws_secret_access_key = #{user['secret_access_key']}\n"
  end

  # What the doctor says where ENV is as given; in every form, and searched for secrets.
  def examine(env = keys, secrets: [], **options)
    with_env({ 'HOME' => home }.merge(env)) do
      report = Legion::Extensions::Identity::Aws.doctor(**options)
      shows_no_secret([report.to_s, report.inspect, report.to_json, report.to_h.inspect].join("\n"), secrets)
      report
    end
  end

  def shows_no_secret(text, secrets = [])
    users = local_aws.world.fetch('users').values
    known = users.flat_map { |user| user.values_at('secret_access_key', 'session_token') } + local_aws.world.fetch('web_identity_tokens').keys
    (known.compact + secrets).each do |secret|
      [secret, URI.encode_www_form_component(secret), [secret].pack('m0')[0..-5]].each { |form| expect(text).not_to include(form) }
    end
  end

  def finding(report, check, name = nil)
    report.findings.find { |found| found.check == check && (name.nil? || found.name == name) }
  end

  # The words of all problems, each with its cause and its remedy.
  def problems(report)
    report.problems.each do |problem|
      expect(problem.what.to_s).not_to be_empty
      expect(problem.remedy.to_s).not_to be_empty
    end
    report.problems.map { |problem| [problem.check, problem.name, problem.status, problem.what, problem.remedy] }
  end

  def asked_of_sts = local_aws.requests(service: :sts).map { |request| request[:action] }
end
