//! `GetSessionToken`.

use super::{
    AssumeRoleOptions, Mfa, Sts,
    client::{add_token_details, credentials, number},
    errors::about_keys,
    limits,
};
use crate::{
    credentials::{Credentials, Secret},
    failure::Failure,
};
use std::collections::BTreeMap;

impl Sts<'_> {
    /// Trades long-lived keys of a user for temporary ones, with MFA or without. Of `options` it takes the
    /// lifetime and the size of the session token.
    pub async fn session_token(
        &self,
        keys: &Credentials,
        options: &AssumeRoleOptions,
        mfa: Option<&Mfa<'_>>,
    ) -> Result<Credentials, Failure> {
        let reply = self
            .signing_client(keys, mfa)
            .await?
            .get_session_token()
            .set_duration_seconds(number(options.duration_seconds))
            .set_minimum_session_token_size(number(options.minimum_session_token_size))
            .set_serial_number(mfa.map(|mfa| mfa.serial_number.to_owned()))
            .set_token_code(
                mfa.map(|mfa| mfa.code)
                    .map(Secret::expose)
                    .map(str::to_owned),
            )
            .send()
            .await
            .map_err(|error| about_keys(self.failure("GetSessionToken", "", &error), keys))?;
        let mut details = BTreeMap::new();
        add_token_details(
            &mut details,
            reply.session_token_size(),
            reply.session_token_utilization(),
        );
        let seconds = options
            .duration_seconds
            .unwrap_or(limits::DEFAULT_SESSION_SECONDS);
        credentials(reply.credentials, "GetSessionToken", seconds, details)
    }
}
