//! IAM Identity Center, by the SDK's own provider: it reads the token `aws sso login` left, renews
//! it where it can, and trades it for credentials.

use super::provider;
use crate::{
    credentials::Credentials,
    failure::{Failure, Kind},
    http::{Http, root_cause},
};
use aws_config::sso::SsoCredentialsProvider;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};
use aws_types::region::Region;

/// What a profile says about its login.
pub struct Login<'a> {
    pub profile: &'a str,
    pub session: Option<&'a str>,
    pub start_url: &'a str,
    pub region: &'a str,
    pub account_id: &'a str,
    pub role_name: &'a str,
}

pub async fn credentials(http: &Http, login: &Login<'_>) -> Result<Credentials, Failure> {
    let mut provider = SsoCredentialsProvider::builder()
        .configure(&provider::config(http, login.region)?)
        .start_url(login.start_url)
        .region(Region::new(login.region.to_owned()))
        .account_id(login.account_id)
        .role_name(login.role_name);
    provider.set_session_name(login.session.map(str::to_owned));
    let given = provider
        .build()
        .provide_credentials()
        .await
        .map_err(|error| explain(login, &error))?;
    let mut set = provider::set(&given, "sso");
    set.account_id = Some(login.account_id.to_owned());
    Ok(set)
}

/// The provider's errors are not typed, so the innermost cause is what there is to show.
fn explain(login: &Login<'_>, error: &CredentialsError) -> Failure {
    let cause = root_cause(error);
    let lower = cause.to_lowercase();
    let command = format!("aws sso login --profile {}", login.profile);
    if matches!(error, CredentialsError::ProviderTimedOut(_))
        || lower.contains("timed out")
        || lower.contains("timeout")
    {
        return Failure::timeout(format!(
            "IAM Identity Center ({}) does not answer. Check the network and proxy.",
            login.region
        ));
    }
    if lower.contains("expired")
        || lower.contains("unauthorized")
        || lower.contains("invalid_grant")
        || lower.contains("session token not found")
    {
        let mut failure = Failure::new(
            Kind::NoCredentials,
            format!("The SSO login has expired ({cause}). Run `{command}`."),
        );
        failure.code = Some("UnauthorizedException".into());
        return failure;
    }
    if lower.contains("no such file") || lower.contains("failed to read") {
        let mut failure = Failure::no_credentials(format!(
            "There is no SSO login on this machine ({cause}). Run `{command}`."
        ));
        failure.code = Some("UnauthorizedException".into());
        return failure;
    }
    Failure::new(
        Kind::Service,
        format!(
            "IAM Identity Center gave no credentials ({cause}). Run `{command}`, and check the account and role."
        ),
    )
}
