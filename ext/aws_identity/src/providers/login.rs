//! A console session that `aws login` left, by the SDK's own provider: it reads the cached token
//! and renews it where it can.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/access-login.html>

use super::sdk as provider;
use crate::{
    credentials::Credentials,
    failure::Failure,
    http::{Http, root_cause},
};
use aws_config::login::LoginCredentialsProvider;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};

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
        Err(error) => Err(explain(http, profile, &error)),
    }
}

fn explain(http: &Http, profile: &str, error: &CredentialsError) -> Failure {
    let cause = root_cause(error);
    provider::outage(http, "AWS Sign-In", &cause).unwrap_or_else(|| {
        let mut failure = Failure::no_credentials(format!(
            "The console session of `aws login` cannot be used ({cause}). Run `aws login --profile {profile}`."
        ), "");
        // The word IAM Identity Center has for it: asking again cannot cure it.
        failure.code = Some("UnauthorizedException".into());
        failure.status = provider::status(http);
        failure
    })
}
