//! Credentials: redacted when printed, wiped when dropped.

mod known_secrets;
mod shape;

pub use crate::util::time::Millis;
pub use known_secrets::KnownSecrets;
pub use shape::{Names, is_header, may_be_secret};

use std::{collections::BTreeMap, fmt};
use zeroize::Zeroizing;

/// Text that is never printed and is wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself; the name makes every use easy to search for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// AWS credentials as their source gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: Secret,
    pub session_token: Option<Secret>,
    /// The expiration their source gave; `None` for long-lived keys.
    pub expires_at: Option<Millis>,
    /// How long they were asked for, where STS has just answered; `None` where the source decides.
    pub requested: Option<Millis>,
    pub account_id: Option<String>,
    /// The source, such as `environment` or `profile prod > assume role arn:…`.
    pub source: String,
    /// What the answer said beside the keys, such as `assumed_role_arn`, `session_token_size`.
    pub details: BTreeMap<String, String>,
    /// Why these credentials are served although they should have been replaced.
    pub degraded: Option<String>,
}

impl Credentials {
    /// Credentials without an expiration: long-lived keys, or a source that gives none.
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: Option<String>,
        source: impl Into<String>,
    ) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: Secret::new(secret_access_key),
            session_token: session_token.map(Secret::new),
            expires_at: None,
            requested: None,
            account_id: None,
            source: source.into(),
            details: BTreeMap::new(),
            degraded: None,
        }
    }

    #[must_use]
    pub fn is_expired_at(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|expiration| expiration <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_key_id_and_nothing_secret() {
        let credentials = Credentials::new(
            "AKIAEXAMPLE",
            "canary-secret",
            Some("canary-token".into()),
            "test",
        );
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AKIAEXAMPLE"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn credentials_without_an_expiration_never_expire() {
        let mut credentials = Credentials::new("AKIAEXAMPLE", "s", None, "test");
        assert!(!credentials.is_expired_at(Millis::MAX));
        credentials.expires_at = Some(1_000);
        assert!(!credentials.is_expired_at(999));
        assert!(credentials.is_expired_at(1_000));
    }
}
