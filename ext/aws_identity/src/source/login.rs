//! A console session that `aws login` left, by the SDK's own provider: it reads the cached token
//! and renews it where it can.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/access-login.html>

use super::provider;
use crate::{
    credentials::Credentials,
    failure::Failure,
    http::{Http, root_cause},
};
use aws_config::login::LoginCredentialsProvider;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};

/// What ends a login for good, as the service and the provider word it.
const ENDED: [&str; 5] = [
    "expired",
    "invalid_request",
    "user_credentials_changed",
    "insufficient_permissions",
    "access denied",
];

pub async fn credentials(
    http: &Http,
    profile: &str,
    session: &str,
    region: &str,
) -> Result<Credentials, Failure> {
    let provider = LoginCredentialsProvider::builder(session)
        .configure(&provider::config(http, region)?)
        .build();
    match provider.provide_credentials().await {
        Ok(given) => Ok(provider::set(&given, "login")),
        Err(error) => Err(explain(profile, &error)),
    }
}

/// The provider's errors are not typed, so the innermost cause is what there is to show.
fn explain(profile: &str, error: &CredentialsError) -> Failure {
    let cause = root_cause(error);
    let lower = cause.to_lowercase();
    if matches!(error, CredentialsError::ProviderTimedOut(_)) || lower.contains("timed out") {
        return Failure::timeout("AWS Sign-In does not answer. Check the network and proxy.");
    }
    let mut failure = Failure::no_credentials(format!(
        "The console session of `aws login` cannot be used ({cause}). Run `aws login --profile {profile}`."
    ));
    if ENDED.iter().any(|word| lower.contains(word)) || lower.contains("no such file") {
        failure.code = Some("UnauthorizedException".into());
    }
    failure
}
