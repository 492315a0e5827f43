# frozen_string_literal: true

# Uses the installed gem; rake packed runs it in a folder without the checkout's lib.
#
#   ruby spec/packed/use.rb GEM_HOME

$LOAD_PATH.unshift(File.expand_path('..', __dir__))
require 'support/environment'
Environment.clean!
require 'support/local_aws'

home = File.realpath(ARGV.fetch(0))
require 'lex-identity-aws'

library = $LOADED_FEATURES.grep(/lex_identity_aws\.(so|bundle)\z/).first
abort "the native library was loaded from #{library}, not from #{home}" unless File.realpath(library).start_with?(home)

local_aws = LocalAws.start
ENV.update(local_aws.env_with_keys)
aws = Legion::Extensions::Identity::Aws
name = aws::Identity.resolve.fetch(:canonical_name)
key = aws::Session.new(role_arn: 'arn:aws:iam::123456789012:role/legion-worker').credentials.access_key_id
local_aws.stop

abort "it found the name #{name}" unless name == 'demo'
abort "it leased the key #{key}" unless key.start_with?('ASIA')
puts "lex-identity-aws #{aws::VERSION} as installed: #{name}, #{key}, #{library.delete_prefix(home)}"
