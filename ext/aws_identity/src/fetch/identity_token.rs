//! The fetch of a token that says who the owner of the held credentials is.

use super::{Fetch, request::FetchRequest};
use crate::{
    config::Settings,
    credentials::Credentials,
    failure::{Failure, Kind},
    sts::{IdentityToken, IdentityTokenRequest, limits},
    task::{fetch_task::TaskContext, fork_gate::SharedGate},
    util::time::{Millis, now},
};
use std::sync::Arc;

/// A token for the owner of `credentials`; `request` has their region, the clock's offset and the secrets of the
/// session.
pub async fn identity_token(
    settings: Arc<Settings>,
    credentials: Arc<Credentials>,
    request: FetchRequest,
    asked: IdentityTokenRequest,
    gate: SharedGate,
    task: TaskContext,
) -> Result<IdentityToken, Failure> {
    let fetch = Fetch::prepare(&settings, &request, gate, &task);
    if let Err(failure) = fetch.usable() {
        return Err(failure.clone());
    }
    let secrets = fetch.http().secrets();
    secrets.note_credentials(&credentials);
    let seconds = duration(
        &asked,
        &credentials,
        now().saturating_add(request.clock_offset),
    )?;
    let sts = fetch.context().sts();
    let issued = sts.identity_token(&credentials, &asked, seconds);
    let outcome = task.deadline.bound(Box::pin(issued)).await;
    let outcome = outcome.unwrap_or_else(|| Err(task.deadline.overdue()));
    outcome.map_err(|failure| secrets.clean(failure))
}

/// The seconds to ask for: STS refuses a token that lasts longer than the credentials.
fn duration(
    asked: &IdentityTokenRequest,
    credentials: &Credentials,
    now: Millis,
) -> Result<u32, Failure> {
    let Some(expires_at) = credentials.expires_at else {
        return Ok(asked.duration_seconds);
    };
    let left = (expires_at - now).div_euclid(1000);
    let least = limits::IDENTITY_TOKEN_SECONDS.0;
    match u32::try_from(left) {
        Ok(left) if left >= least => Ok(asked.duration_seconds.min(left)),
        _ => Err(Failure::new(
            Kind::NoCredentials,
            format!(
                "The credentials of {} have less than {least} seconds left, and no token of STS is as short.",
                credentials.source
            ),
            "Give the session credentials that last longer.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lasts_no_longer_than_the_credentials() {
        let asked = IdentityTokenRequest {
            audience: ["a".to_owned()].into(),
            duration_seconds: 300,
            signing_algorithm: "RS256".to_owned(),
            tags: std::collections::BTreeMap::new(),
        };
        let mut keys = Credentials::new("AKIAEXAMPLE", "s", None, "test");
        assert_eq!(duration(&asked, &keys, 0), Ok(300));
        for (expires_at, seconds) in [(3_600_000, 300), (200_999, 200), (60_000, 60)] {
            keys.expires_at = Some(expires_at);
            assert_eq!(duration(&asked, &keys, 0), Ok(seconds));
        }
        keys.expires_at = Some(59_999);
        assert_eq!(
            duration(&asked, &keys, 0).unwrap_err().kind,
            Kind::NoCredentials
        );
    }
}
