//! IAM Identity Center, by the SDK's own provider: it reads the token of `aws sso login`, renews it
//! if it can, and exchanges it for credentials.

use super::{
    context::{Context, Local},
    sdk,
    source::{Availability, BaseCredentials, Provided},
};
use crate::{
    credentials::Millis,
    environment::Environment,
    failure::{Failure, Kind},
    http::{Http, root_cause},
    profile::{BaseProvider, ProfileChain},
    util::{foreign_text::shown, read_file, time},
};
use aws_config::sso::SsoCredentialsProvider;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};
use aws_types::region::Region;
use serde_json::Value;
use sha1::{Digest as _, Sha1};
use std::path::{Path, PathBuf};

/// The service's code for an invalid login, which a retry cannot cure.
const UNAUTHORIZED: &str = "UnauthorizedException";

/// Tokens of IAM Identity Center are a few kilobytes.
const SIZE_LIMIT: u64 = 64 * 1024;

/// The login of a profile.
struct Login<'a> {
    profile: &'a str,
    session: Option<&'a str>,
    start_url: &'a str,
    region: &'a str,
    account_id: &'a str,
    role_name: &'a str,
}

impl<'a> Login<'a> {
    fn of(chain: &'a ProfileChain) -> Option<Self> {
        let BaseProvider::Sso {
            session,
            start_url,
            region,
            account_id,
            role_name,
        } = &chain.base
        else {
            return None;
        };
        Some(Self {
            profile: &chain.base_profile,
            session: session.as_deref(),
            start_url,
            region,
            account_id,
            role_name,
        })
    }

    fn remedy(&self) -> String {
        format!("Run `aws sso login --profile {}`.", self.profile)
    }

    /// A failure of the login itself.
    fn unusable(&self, cause: String) -> Failure {
        Failure {
            code: Some(UNAUTHORIZED.into()),
            ..Failure::no_credentials(cause, self.remedy())
        }
    }

    /// The failure if the token on disk cannot be used.
    fn check(&self, local: &Local<'_>) -> Result<(), Failure> {
        let path = token_path(local.environment, self.session, self.start_url);
        let bytes = match read_file::read(&path, SIZE_LIMIT) {
            Ok((_, bytes)) => bytes,
            Err(why) => {
                let cause = format!("The SSO token {} is {why}.", path.display());
                return Err(self.unusable(cause));
            }
        };
        let token: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let text = |key: &str| token.get(key).and_then(Value::as_str);
        let Some(expires_at) = text("expiresAt").and_then(time::parse) else {
            let cause = format!("The SSO token {} is not readable as one.", path.display());
            return Err(self.unusable(cause));
        };
        // The provider renews only the token of an sso_session, and only while its client is
        // registered.
        let registered = text("registrationExpiresAt").and_then(time::parse);
        let is_renewable = self.session.is_some()
            && text("refreshToken").is_some()
            && registered.is_some_and(|at: Millis| at > local.now);
        if expires_at > local.now || is_renewable {
            return Ok(());
        }
        let cause = format!(
            "The SSO login expired at {}.",
            time::format_iso8601(expires_at)
        );
        Err(self.unusable(cause))
    }
}

pub(super) async fn provide(
    context: &Context<'_>,
    chain: &ProfileChain,
) -> Result<Provided, Failure> {
    let Some(login) = Login::of(chain) else {
        return Ok(Provided::Absent(String::new()));
    };
    // Without an sso_session the provider of aws-config 1.13.0 sends a token that has expired.
    login.check(&context.local)?;
    let mut provider = SsoCredentialsProvider::builder()
        .configure(&sdk::config(context.http, login.region)?)
        .start_url(login.start_url)
        .region(Region::new(login.region.to_owned()))
        .account_id(login.account_id)
        .role_name(login.role_name);
    provider.set_session_name(login.session.map(str::to_owned));
    let given = provider
        .build()
        .provide_credentials()
        .await
        .map_err(|error| explain(context.http, &login, &error))?;
    let mut credentials = sdk::credentials(&given, "sso");
    credentials.account_id = Some(login.account_id.to_owned());
    Ok(BaseCredentials {
        sso_role: Some(format!("{} {}", login.account_id, login.role_name)),
        ..BaseCredentials::new(credentials)
    }
    .into())
}

/// Checks whether this machine has a valid login.
pub(super) fn check(local: &Local<'_>, chain: &ProfileChain) -> Availability {
    match Login::of(chain).map(|login| login.check(local)) {
        Some(Err(failure)) => Availability::Unusable(failure),
        Some(Ok(())) => Availability::Available("there is a login".into()),
        None => Availability::Absent(String::new()),
    }
}

/// The path of the token, which the AWS CLI and all SDKs share.
pub(crate) fn token_path(
    environment: &Environment,
    session: Option<&str>,
    start_url: &str,
) -> PathBuf {
    let name = Sha1::digest(session.unwrap_or(start_url));
    let home = environment.get("HOME").unwrap_or_default();
    Path::new(home).join(format!(".aws/sso/cache/{name:x}.json"))
}

fn explain(http: &Http, login: &Login<'_>, error: &CredentialsError) -> Failure {
    let cause = shown(&root_cause(error));
    let service = format!("IAM Identity Center ({})", login.region);
    if let Some(failure) = sdk::outage(http, &service, &cause) {
        return failure;
    }
    let status = sdk::status(http);
    let has_expired = status == Some(401) || cause.to_lowercase().contains("expired");
    let mut failure = match status {
        _ if has_expired => login.unusable(format!("The SSO login has expired ({cause}).")),
        None => login.unusable(format!(
            "There is no SSO login that can be used on this machine ({cause})."
        )),
        Some(403 | 404) => Failure::new(
            Kind::AccessDenied,
            format!(
                "{service} does not give this login the role {} in the account {} ({cause}).",
                login.role_name, login.account_id
            ),
            "Check account and role.",
        ),
        Some(_) => Failure::new(
            Kind::Service,
            format!("{service} gave no credentials ({cause})."),
            format!(
                "Run `aws sso login --profile {}`, and check account and role.",
                login.profile
            ),
        ),
    };
    // The portal's own code; a proxy's 403 has none.
    let mut words = cause.split(|c: char| !c.is_ascii_alphanumeric());
    let code = words.find(|word| word.ends_with("Exception"));
    failure.code = failure.code.or_else(|| code.map(str::to_owned));
    failure.status = status;
    failure.reached = status.is_some();
    failure
}
