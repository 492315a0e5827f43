# frozen_string_literal: true

require_relative 'lib/legion/extensions/identity/aws/version'

Gem::Specification.new do |spec|
  spec.name        = 'lex-identity-aws'
  spec.version     = Legion::Extensions::Identity::Aws::VERSION
  spec.authors     = ['Esity']
  spec.summary     = 'LegionIO AWS identity provider'
  spec.description = 'Gives a LegionIO machine its AWS identity (sts:GetCallerIdentity) and short-lived credentials, through the AWS SDK for Rust'
  spec.homepage    = 'https://github.com/LegionIO/lex-identity-aws'
  spec.license     = 'MIT'

  spec.required_ruby_version = '>= 3.1'

  # filesystem:write: the cache, renewed SSO tokens and logins. LegionIO has no word for starting a program (credential_process).
  spec.metadata = {
    'homepage_uri'          => spec.homepage,
    'source_code_uri'       => "#{spec.homepage}/tree/v#{spec.version}",
    'changelog_uri'         => "#{spec.homepage}/blob/main/CHANGELOG.md",
    'documentation_uri'     => "#{spec.homepage}/blob/main/README.md",
    'bug_tracker_uri'       => "#{spec.homepage}/issues",
    'rubygems_mfa_required' => 'true',
    'legion.capabilities'   => 'network:outbound,filesystem:read,filesystem:write'
  }

  # The specs, the tests of the crates and the local AWS are not in the gem.
  spec.files = Dir.chdir(__dir__) do
    Dir['{lib,ext,sig,exe,docs}/**/*', 'Cargo.{toml,lock}', '{README,CHANGELOG,SECURITY}.md', 'LICENSE']
      .select { |file| File.file?(file) }
      .grep_v(%r{\.(so|bundle|dll)\z|\Aext/.*(/tests?|_test)(/|\.rs\z)})
  end
  spec.bindir        = 'exe'
  spec.executables   = spec.files.grep(%r{\Aexe/}) { |file| File.basename(file) }
  spec.require_paths = ['lib']
  spec.extensions    = ['ext/lex_identity_aws/extconf.rb']

  # Builds the native library; not loaded at run time.
  spec.add_dependency 'rb_sys', '~> 0.9.124'
end
