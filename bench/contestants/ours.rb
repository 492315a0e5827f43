# frozen_string_literal: true

# This gem, asked as LegionIO asks it; for a role, as any program does.
class Contestant
  class << self
    def load = require('legion/extensions/identity/aws')
    def identity = provider.resolve&.fetch(:canonical_name)
    def lease = provider.provide_token.credential
    def provider = Legion::Extensions::Identity::Aws::Identity

    # As if nothing were remembered.
    def identity_anew
      provider.refresh
      identity
    end

    # What answers `credentials` with the newest credentials of the role.
    def role(arn)
      session = Legion::Extensions::Identity::Aws::Session.new(role_arn: arn, role_session_name: 'bench', cache: ENV['BENCH_CACHE'] == 'true')
      session.credentials
      session
    end
  end
end
