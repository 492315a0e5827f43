//! `GetSessionToken`.

use super::{
    Mfa, Sts,
    client::{credentials, seconds},
    errors::explain,
    limits,
};
use crate::{
    credentials::{Credentials, Secret},
    failure::Failure,
};
use std::collections::BTreeMap;

impl Sts<'_> {
    /// Trades long-lived keys of a user for temporary ones, with MFA or without.
    pub async fn session_token(
        &self,
        keys: &Credentials,
        duration_seconds: Option<u32>,
        mfa: Option<&Mfa<'_>>,
    ) -> Result<Credentials, Failure> {
        let reply = self
            .signing_client(keys, mfa)?
            .get_session_token()
            .set_duration_seconds(seconds(duration_seconds))
            .set_serial_number(mfa.map(|mfa| mfa.serial_number.to_owned()))
            .set_token_code(
                mfa.map(|mfa| mfa.code)
                    .map(Secret::expose)
                    .map(str::to_owned),
            )
            .send()
            .await
            .map_err(|error| explain("GetSessionToken", "", self.endpoint, &error))?;
        let seconds = duration_seconds.unwrap_or(limits::DEFAULT_SESSION_SECONDS);
        credentials(
            reply.credentials(),
            "GetSessionToken",
            seconds,
            BTreeMap::new(),
        )
    }
}
