//! `AssumeRoleWithWebIdentity`.

use super::{
    AssumeRoleOptions, Sts,
    client::{add_detail, add_role_details, add_token_details, credentials},
    limits,
};
use crate::{
    credentials::{Credentials, Secret},
    failure::Failure,
};
use std::collections::BTreeMap;

/// A web identity token and the role it is for.
pub struct WebIdentity<'a> {
    pub role_arn: &'a str,
    pub token: &'a Secret,
    pub provider_id: Option<&'a str>,
}

impl Sts<'_> {
    /// Trades a token of an OpenID Connect or OAuth 2.0 provider for credentials. Not signed.
    pub async fn assume_role_with_web_identity(
        &self,
        identity: &WebIdentity<'_>,
        options: &AssumeRoleOptions,
        session_name: &str,
    ) -> Result<Credentials, Failure> {
        const CALL: &str = "AssumeRoleWithWebIdentity";
        let request = self
            .client(None)
            .await?
            .assume_role_with_web_identity()
            .role_arn(identity.role_arn)
            .role_session_name(session_name)
            .web_identity_token(identity.token.expose())
            .set_provider_id(identity.provider_id.map(str::to_owned));
        let reply = options
            .web_identity_request(request)
            .send()
            .await
            .map_err(|error| self.failure(CALL, identity.role_arn, &error))?;
        let mut details = BTreeMap::new();
        let subject = reply.subject_from_web_identity_token();
        add_detail(&mut details, "subject", subject);
        add_detail(&mut details, "audience", reply.audience());
        add_detail(&mut details, "provider", reply.provider());
        #[expect(deprecated, reason = "its successor is not yet answered everywhere")]
        let policy_size = reply.packed_policy_size();
        add_token_details(
            &mut details,
            reply.session_token_size(),
            reply.session_token_utilization(),
        );
        add_role_details(
            &mut details,
            policy_size,
            reply.source_identity(),
            reply.assumed_role_user(),
        );
        let seconds = options
            .duration_seconds
            .unwrap_or(limits::DEFAULT_ROLE_SECONDS);
        credentials(reply.credentials, CALL, seconds, details)
    }
}
