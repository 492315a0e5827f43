//! The fetch of a token that says who the owner of the held credentials is.

use super::{Fetch, request::FetchRequest};
use crate::{
    config::Settings,
    credentials::Credentials,
    failure::{Failure, Kind},
    sts::{IdentityToken, IdentityTokenRequest, limits},
    task::{fetch_task::TaskContext, fork_gate::SharedGate},
    util::time::{Millis, format_iso8601, now},
};
use std::sync::Arc;

/// How long a request may be on its way: STS compares the duration with what is left when it arrives.
const ON_THE_WAY: Millis = 5_000;

/// A token for the owner of `credentials`; `request` holds them too, with their region, the clock's offset and the
/// secrets of the session.
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
    let issued = issued(&fetch, &credentials, &asked);
    let outcome = task.deadline.bound(Box::pin(issued)).await;
    let outcome = outcome.unwrap_or_else(|| {
        Err(task
            .deadline
            .overdue()
            .within("While asking for a token (sts:GetWebIdentityToken)"))
    });
    outcome.map_err(|failure| secrets.clean(failure))
}

/// The token of STS. Where by STS's clock the credentials end before it would, STS is asked once more, for less.
async fn issued(
    fetch: &Fetch<'_>,
    credentials: &Credentials,
    asked: &IdentityTokenRequest,
) -> Result<IdentityToken, Failure> {
    let sts = fetch.context().sts();
    let known_offset = fetch.request.clock_offset;
    let seconds = duration(asked, credentials, now().saturating_add(known_offset))?;
    let mut answer = sts.identity_token(credentials, asked, seconds).await;
    if let Err(failure) = &answer
        && is_too_long(failure)
    {
        let offset = fetch.clock_offset().unwrap_or(known_offset);
        let arrival = now().saturating_add(offset).saturating_add(ON_THE_WAY);
        let less = duration(asked, credentials, arrival)?;
        if less < seconds {
            answer = sts.identity_token(credentials, asked, less).await;
        }
    }
    let token = IdentityToken {
        clock_offset: fetch.clock_offset(),
        ..answer?
    };
    not_expired(token, now())
}

/// The token, unless it has expired by the clock of STS. Where the answer has no time of STS, this machine's clock may
/// be wrong, and the token is taken.
fn not_expired(token: IdentityToken, now: Millis) -> Result<IdentityToken, Failure> {
    let expires_at = token.expires_at;
    match token.clock_offset {
        Some(offset) if expires_at <= now.saturating_add(offset) => Err(Failure::new(
            Kind::Service,
            format!(
                "STS answered GetWebIdentityToken with a token that had expired at {}.",
                format_iso8601(expires_at)
            ),
            "Check the endpoint: STS gives a token at least a minute.",
        )),
        _ => Ok(token),
    }
}

fn is_too_long(failure: &Failure) -> bool {
    let code = failure.code.as_deref().unwrap_or_default();
    code.starts_with("SessionDurationEscalation")
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
