//! `GetCallerIdentity`.

use super::{Sts, errors::about_keys};
use crate::{
    credentials::Credentials,
    failure::Failure,
    principal::{self, Principal},
};

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
        let secrets = self.http.secrets();
        let arn = reply.arn().unwrap_or_default();
        let shown = secrets.value_masked(arn);
        if shown != arn {
            return Err(principal::unreadable(&shown, "it has a secret in it"));
        }
        let user_id = secrets.value_masked(reply.user_id().unwrap_or_default());
        Principal::parse(arn, reply.account(), &user_id)
    }
}
