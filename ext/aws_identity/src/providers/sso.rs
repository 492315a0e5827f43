//! IAM Identity Center, by the SDK's own provider: it reads the token `aws sso login` left, renews
//! it where it can, and trades it for credentials.

use super::sdk as provider;
use crate::{
    credentials::Credentials,
    failure::{Failure, Kind},
    http::{Http, root_cause},
};
use aws_config::sso::SsoCredentialsProvider;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};
use aws_types::region::Region;

/// The service's own word for it: asking again cannot cure it.
const UNAUTHORIZED: &str = "UnauthorizedException";

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
        .map_err(|error| explain(http, login, &error))?;
    let mut set = provider::set(&given, "sso");
    set.account_id = Some(login.account_id.to_owned());
    Ok(set)
}

fn explain(http: &Http, login: &Login<'_>, error: &CredentialsError) -> Failure {
    let cause = root_cause(error);
    let service = format!("IAM Identity Center ({})", login.region);
    if let Some(failure) = provider::outage(http, &service, &cause) {
        return failure;
    }
    let status = provider::status(http);
    let command = format!("aws sso login --profile {}", login.profile);
    let has_ended = status == Some(401) || cause.to_lowercase().contains("expired");
    let mut failure = match status {
        _ if has_ended => Failure::no_credentials(
            format!("The SSO login has expired ({cause}). Run `{command}`."),
            "",
        ),
        None => Failure::no_credentials(
            format!(
                "There is no SSO login that can be used on this machine ({cause}). Run `{command}`."
            ),
            "",
        ),
        Some(403 | 404) => Failure::new(
            Kind::AccessDenied,
            format!(
                "{service} does not give this login the role {} in the account {} ({cause}). Check account and role.",
                login.role_name, login.account_id
            ),
            "",
        ),
        Some(_) => Failure::new(
            Kind::Service,
            format!(
                "{service} gave no credentials ({cause}). Run `{command}`, and check account and role."
            ),
            "",
        ),
    };
    failure.status = status;
    if failure.kind == Kind::NoCredentials {
        failure.code = Some(UNAUTHORIZED.into());
    }
    failure
}

/// There is no login on this machine that the service would take.
pub fn no_login(why: String) -> Failure {
    let mut failure = Failure::no_credentials(why, "");
    failure.code = Some(UNAUTHORIZED.into());
    failure
}
