//! A console session of `aws login`, by the SDK's own provider: it reads the cached token and
//! renews it if it can.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/access-login.html>

use super::{
    context::Context,
    sdk,
    source::{Availability, Provided},
};
use crate::{
    failure::Failure,
    http::{Http, root_cause},
    util::foreign_text::shown,
};
use aws_config::login::LoginCredentialsProvider;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};

pub(super) async fn provide(
    context: &Context<'_>,
    session: &str,
    profile: &str,
) -> Result<Provided, Failure> {
    let provider = LoginCredentialsProvider::builder(session)
        .configure(&sdk::config(context.http, &context.endpoint.region)?)
        .build();
    match provider.provide_credentials().await {
        Ok(given) => Ok(sdk::credentials(&given, "login").into()),
        Err(error) => Err(explain(context.http, profile, &error)),
    }
}

/// The path of the token is private to the SDK, whose provider needs the network, so the check
/// cannot say more.
pub(super) fn check() -> Availability {
    Availability::Available("a login session is named".into())
}

fn explain(http: &Http, profile: &str, error: &CredentialsError) -> Failure {
    let cause = shown(&root_cause(error));
    sdk::outage(http, "AWS Sign-In", &cause).unwrap_or_else(|| {
        let status = sdk::status(http);
        Failure {
            // The code of IAM Identity Center for an invalid login, which a retry cannot cure.
            code: Some("UnauthorizedException".into()),
            status,
            reached: status.is_some(),
            ..Failure::no_credentials(
                format!("The console session of `aws login` cannot be used ({cause})."),
                format!("Run `aws login --profile {profile}`."),
            )
        }
    })
}
