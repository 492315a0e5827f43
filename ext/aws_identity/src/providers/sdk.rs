//! The SDK's own providers, as far as their behaviour is ours: what they are made with, and what
//! they give.

use crate::{
    credentials::Credentials,
    failure::{Failure, Kind},
    http::{self, Http, LastResponse},
};
use aws_config::{provider_config::ProviderConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::Credentials as Given;
use aws_types::region::Region;
use std::time::{Duration, UNIX_EPOCH};

/// Two tries, our clients, no configuration but what is said here.
pub(super) fn config(http: &Http, region: &str) -> Result<ProviderConfig, Failure> {
    let (connect, read) = http.timeouts();
    let retry = RetryConfig::standard()
        .with_max_attempts(2)
        .with_initial_backoff(Duration::from_millis(100));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(connect)
        .read_timeout(read)
        .build();
    Ok(ProviderConfig::without_region()
        .with_region(Some(Region::new(region.to_owned())))
        .with_http_client(http.sdk_client(None)?)
        .with_sleep_impl(http::sleep())
        .with_retry_config(retry)
        .with_timeout_config(timeouts))
}

/// A set of the SDK's as one of ours.
pub(super) fn set(given: &Given, source: &str) -> Credentials {
    let mut set = Credentials::new(
        given.access_key_id(),
        given.secret_access_key(),
        given.session_token().map(str::to_owned),
        source,
    );
    set.expires_at = given
        .expiry()
        .and_then(|end| end.duration_since(UNIX_EPOCH).ok())
        .and_then(|end| i64::try_from(end.as_millis()).ok());
    set.account_id = given.account_id().map(|id| id.as_str().to_owned());
    set
}

/// The failure of a provider that may pass. Its errors are not typed, so how its last request went
/// has to say it. `None`: it was refused, or nobody was asked, for want of a login that can be used.
pub(super) fn outage(http: &Http, service: &str, cause: &str) -> Option<Failure> {
    let (kind, what) = match http.last_response() {
        LastResponse::Timeout => (
            Kind::Timeout,
            "does not answer. Check the network and proxy",
        ),
        LastResponse::ConnectionError => (
            Kind::Connection,
            "could not be reached. Check the network and proxy",
        ),
        LastResponse::Answer(429) => (Kind::Throttled, "asks to be left alone. It may pass"),
        LastResponse::Answer(500..) => (Kind::Service, "is in trouble. It may pass"),
        LastResponse::Nothing | LastResponse::Answer(_) => return None,
    };
    let mut failure = Failure::new(kind, format!("{service} {what} ({cause})."), "");
    failure.status = status(http);
    Some(failure)
}

/// The status of the last answer.
pub(super) fn status(http: &Http) -> Option<u16> {
    match http.last_response() {
        LastResponse::Answer(status) => Some(status),
        _ => None,
    }
}
