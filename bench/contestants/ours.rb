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

    def identity_token = session.identity_token(audience: 'bench').token

    def presigned(kind)
      words = kind == 'eks' ? { cluster: 'bench' } : { host: 'db.example', port: 5432, user: 'bench' }
      session.token_for(kind.to_sym, **words).token
    end

    # One session for all clients.
    def serve_clients = Legion::Extensions::Identity::Aws.default_for_sdk(session)

    private

    def session
      @session ||= Legion::Extensions::Identity::Aws::Session.new # rubocop:disable ThreadSafety/ClassInstanceVariable
    end
  end
end
