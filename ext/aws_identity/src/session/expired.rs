//! Credentials that had expired when they came.

use super::skew::Skew;
use crate::{
    credentials::Credentials,
    failure::{Failure, Kind},
    task::fetch_task::Completion,
};

/// True if the credentials had expired before they were asked for, and their source does not call
/// them degraded.
pub(super) fn came_expired(credentials: &Credentials, skew: Skew, completion: Completion) -> bool {
    credentials.degraded.is_none()
        && credentials.is_expired_at(skew.corrected(completion.at).wall)
        && !expired_in_flight(credentials, skew, completion)
}

/// True if credentials were good when their fetch began and had expired when it completed.
pub(super) fn expired_in_flight(
    credentials: &Credentials,
    skew: Skew,
    completion: Completion,
) -> bool {
    credentials.is_expired_at(skew.corrected(completion.at).wall)
        && !credentials.is_expired_at(skew.corrected(completion.began).wall)
}

pub(super) fn already_expired(credentials: &Credentials) -> Failure {
    let expires_at = credentials
        .expires_at
        .map(crate::util::time::format_iso8601)
        .unwrap_or_default();
    Failure::new(
        Kind::NoCredentials,
        format!(
            "{} handed out credentials that expired at {expires_at}.",
            credentials.source
        ),
        "Renew them where they come from, and check this machine's clock.",
    )
    .answered()
}
