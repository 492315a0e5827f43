# frozen_string_literal: true

require 'time'

# LegionIO's logging and its Lease, which the release before this one needs: as light as can be, so that only its own cost counts.
module Legion
  module Logging
    def self.warn(_) = nil
    def self.debug(_) = nil
  end

  module Identity
    Lease = Struct.new(:provider, :credential, :expires_at, :renewable, :issued_at, :metadata, keyword_init: true)
  end
end

# The release before this one, in pure Ruby.
class Contestant # rubocop:disable Style/OneClassPerFile -- what is above stands for gems
  class << self
    def load = require('legion/extensions/identity/aws')
    def identity = provider.resolve&.fetch(:canonical_name)
    alias identity_anew identity
    def lease = provider.provide_token.credential
    def provider = Legion::Extensions::Identity::Aws::Identity

    # It takes the role from the settings.
    def role(arn)
      ENV['AWS_ROLE_ARN'] = arn
      provider.provide_token
      provider.current_credentials
    end
  end
end
