//! Which entry of the disk cache belongs to a call of STS, and whether a session takes what is in it: the one
//! definition for a fetch, for the commands that list and clear entries, and for the list of profiles.

use crate::{
    cache::{CacheKey, Request},
    config::{AssumeRoleOptions, Origin, Settings},
    credentials::{Credentials, Millis},
    http,
    refresh::{Rules, Windows},
    sts::{Endpoint, limits::DEFAULT_ROLE_SECONDS},
};

/// What the entries of one session have in common.
pub(super) struct DiskKeys {
    endpoint: Option<String>,
    /// True if the AWS CLI would use the same endpoint, so both can share entries.
    finds_cli_endpoint: bool,
}

impl DiskKeys {
    pub(super) fn new(settings: &Settings, endpoint: &Endpoint) -> Self {
        // The AWS CLI reads the environment and the profile too, but no option or setting of this
        // gem.
        let origin = settings.endpoint.as_ref().map(|endpoint| endpoint.origin);
        let url = endpoint.url.as_ref();
        Self {
            endpoint: url.map(|url| http::without_userinfo(url.expose())),
            finds_cli_endpoint: !origin.is_some_and(Origin::is_explicit),
        }
    }

    /// The key of a call; `role_arn` is `None` for `GetSessionToken`, and `asker` where it is not known who signs.
    pub(super) fn key(
        &self,
        role_arn: Option<&str>,
        options: &AssumeRoleOptions,
        asker: Option<&str>,
    ) -> CacheKey {
        CacheKey::new(&Request {
            role_arn,
            options: options.clone(),
            asker,
            endpoint: self.endpoint.as_deref(),
            endpoint_is_shared: self.finds_cli_endpoint,
        })
    }
}

/// True if a session would refresh the credentials at once, since they are in the advisory window. Where no duration is
/// given, it is that of a role: a session token, which lasts half a day by default, is then used longer.
pub(super) fn is_due(credentials: &Credentials, options: &AssumeRoleOptions, now: Millis) -> bool {
    let asked = options.duration_seconds.unwrap_or(DEFAULT_ROLE_SECONDS);
    let windows = Windows::of(Millis::from(asked) * 1000, Rules::default());
    credentials
        .expires_at
        .is_none_or(|at| at - now <= windows.advisory)
}
