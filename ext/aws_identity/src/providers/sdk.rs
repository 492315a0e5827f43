//! The configuration of the SDK's own providers (SSO, login), and the conversion of their results.

use crate::{
    credentials::Credentials,
    failure::{Failure, Kind},
    http::{self, Http, LastResponse},
};
use aws_config::{provider_config::ProviderConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::Credentials as Given;
use aws_types::region::Region;
use std::time::{Duration, UNIX_EPOCH};

/// Two attempts, this crate's HTTP client, and no configuration that is not given here.
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

/// Converts the SDK's credentials.
pub(super) fn credentials(given: &Given, source: &str) -> Credentials {
    let mut credentials = Credentials::new(
        given.access_key_id(),
        given.secret_access_key(),
        given.session_token().map(str::to_owned),
        source,
    );
    credentials.expires_at = given
        .expiry()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_millis()).ok());
    credentials.account_id = given.account_id().map(|id| id.as_str().to_owned());
    credentials
}

/// The failure of a provider, if it is retryable. The errors of the providers do not say so, so the
/// last response decides. `None`: the service refused, or no request was sent.
pub(super) fn outage(http: &Http, service: &str, cause: &str) -> Option<Failure> {
    let (kind, what, remedy) = match http.last_response() {
        LastResponse::Timeout => (
            Kind::Timeout,
            "does not answer",
            "Check the network and proxy.",
        ),
        LastResponse::ConnectionError => (
            Kind::Connection,
            "could not be reached",
            "Check the network and proxy.",
        ),
        LastResponse::Answer(429) => (
            Kind::Throttled,
            "answered that there are too many requests",
            "It may pass.",
        ),
        LastResponse::Answer(500..) => (Kind::Service, "has an error of its own", "It may pass."),
        LastResponse::Nothing | LastResponse::Answer(_) => return None,
    };
    Some(Failure {
        status: status(http),
        ..Failure::new(kind, format!("{service} {what} ({cause})."), remedy)
    })
}

/// The status of the last response.
pub(super) fn status(http: &Http) -> Option<u16> {
    match http.last_response() {
        LastResponse::Answer(status) => Some(status),
        _ => None,
    }
}
