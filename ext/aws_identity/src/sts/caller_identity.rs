//! `GetCallerIdentity`.

use super::{Sts, errors::about_keys};
use crate::{credentials::Credentials, failure::Failure, principal::Principal};

impl Sts<'_> {
    /// The principal of these credentials.
    pub async fn caller_identity(&self, keys: &Credentials) -> Result<Principal, Failure> {
        let reply = self
            .client(Some(keys))
            .await?
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| about_keys(self.failure("GetCallerIdentity", "", &error), keys))?;
        let arn = reply.arn().unwrap_or_default();
        Principal::parse(arn, reply.account(), reply.user_id().unwrap_or_default())
    }
}
