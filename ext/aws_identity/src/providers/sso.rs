//! IAM Identity Center: the token of `aws sso login`, renewed if it can be, is exchanged for credentials.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html>

use super::{
    context::{Context, Local},
    credential_json::usable,
    login_file::{LoginFile, or_renewed_meanwhile, renewed},
    service::{Answer, Call, Service},
    source::{Availability, BaseCredentials, Provided, sso_asker},
};
use crate::{
    credentials::{Credentials, Millis, Secret, is_header},
    environment::Environment,
    failure::{Failure, Kind},
    profile::{BaseProvider, ProfileChain},
    util::{secret_json::SecretJson, time, url::query_value},
};
use sha1::{Digest as _, Sha1};
use std::path::{Path, PathBuf};

/// The service's code for an invalid login, which a retry cannot cure. A login that is known to have
/// expired is not sent, and has it too.
const UNAUTHORIZED: &str = "UnauthorizedException";
/// A token is renewed that early, as botocore does.
const RENEWED_BEFORE: Millis = 15 * 60_000;

/// The login of a profile.
struct Login<'a> {
    profile: &'a str,
    session: Option<&'a str>,
    start_url: &'a str,
    region: &'a str,
    account_id: &'a str,
    role_name: &'a str,
}

/// A token that is on disk.
struct Token {
    file: LoginFile,
    access: Secret,
    expires_at: Millis,
    warning: Option<String>,
}

impl Token {
    fn read(path: &Path) -> Result<Self, String> {
        let file = LoginFile::read(path)?;
        let access = file
            .secret("accessToken")
            .filter(|token| is_header(token.expose()))
            .ok_or_else(|| file.without("accessToken"))?;
        let expires_at = file
            .time("expiresAt")
            .ok_or_else(|| file.without("expiresAt"))?;
        Ok(Self {
            file,
            access,
            expires_at,
            warning: None,
        })
    }
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

    /// Its account and role.
    fn role(&self) -> String {
        format!("{} {}", self.account_id, self.role_name)
    }

    fn remedy(&self) -> String {
        format!("Run `aws sso login --profile {}`.", self.profile)
    }

    /// A failure of the login itself.
    fn unusable(&self, cause: String) -> Failure {
        Failure::no_credentials(cause, self.remedy())
    }

    fn expired(&self, token: &Token) -> Failure {
        Failure {
            code: Some(UNAUTHORIZED.into()),
            ..self.unusable(format!(
                "The SSO login expired at {}.",
                time::format_iso8601(token.expires_at)
            ))
        }
    }

    fn path(&self, environment: &Environment) -> PathBuf {
        token_path(environment, self.session, self.start_url)
    }

    fn token(&self, local: &Local<'_>) -> Result<Token, Failure> {
        Token::read(&self.path(local.environment)).map_err(|why| {
            // No refusal: the file may be away or half while another program writes it.
            self.unusable(format!("The SSO token {why}."))
        })
    }

    /// Only the token of an `sso_session` can be renewed, and only while its client is registered.
    fn is_renewable(&self, token: &Token, now: Millis) -> bool {
        let has = |place| token.file.text(place).is_some();
        self.session.is_some()
            && has("refreshToken")
            && has("clientId")
            && has("clientSecret")
            && token
                .file
                .time("registrationExpiresAt")
                .is_some_and(|at| at > now)
    }

    /// The failure if the token on disk cannot be used.
    fn check(&self, local: &Local<'_>) -> Result<(), Failure> {
        let token = self.token(local)?;
        if token.expires_at > local.now || self.is_renewable(&token, local.now) {
            return Ok(());
        }
        Err(self.expired(&token))
    }

    /// A token that is good, renewed where it soon is not. As long as the old one is, it is used where
    /// there is no new one, as by the AWS CLI.
    async fn good_token(&self, context: &Context<'_>) -> Result<Token, Failure> {
        let now = context.local.now;
        let token = self.token(&context.local)?;
        context.http.secrets().note(token.access.expose());
        let expires_in = token.expires_at - now;
        if expires_in > RENEWED_BEFORE {
            return Ok(token);
        }
        if !self.is_renewable(&token, now) {
            return if expires_in > 0 {
                Ok(token)
            } else {
                Err(self.expired(&token))
            };
        }
        let renewal = self.renew(context, &token);
        let renewed = renewed(context, expires_in > 0, renewal).await;
        let read_again = || {
            self.token(&context.local)
                .ok()
                .filter(|other| other.access != token.access && other.expires_at > now)
        };
        match or_renewed_meanwhile(renewed, read_again) {
            Err(_) if expires_in > 0 => Ok(token),
            renewed => renewed,
        }
    }

    /// Asks for a new token and writes it to the file.
    async fn renew(&self, context: &Context<'_>, token: &Token) -> Result<Token, Failure> {
        let text = |place| token.file.text(place).unwrap_or_default();
        let body = SecretJson::of(&[
            ("clientId", text("clientId")),
            ("clientSecret", text("clientSecret")),
            ("grantType", "refresh_token"),
            ("refreshToken", text("refreshToken")),
        ]);
        let call = Call {
            service: Service::SsoOidc,
            region: self.region,
            method: "POST",
            path: "/token".into(),
            proof: None,
            body: Some(body.to_bytes()),
        };
        let answer = call.send(context).await?;
        if answer.status != 200 {
            return Err(self.not_renewed(&call, token, &answer));
        }
        let (access, expires_at) = answer
            .need("accessToken")
            .and_then(sendable)
            .and_then(|access| Ok((Secret::new(access), answer.expires_at(context.local.now)?)))
            .map_err(|reason| call.meaningless(&answer, &reason))?;
        let mut file = LoginFile::read(&self.path(context.local.environment))
            .map_err(|why| self.unusable(format!("The SSO token {why}.")))?;
        file.set("accessToken", access.expose());
        file.set_time("expiresAt", expires_at);
        if let Ok(refresh) = answer.need("refreshToken") {
            file.set("refreshToken", refresh);
        }
        let warning = file.save();
        Ok(Token {
            file,
            access,
            expires_at,
            warning,
        })
    }

    fn not_renewed(&self, call: &Call<'_>, token: &Token, answer: &Answer) -> Failure {
        let words = answer.words();
        if let Some(failure) = call.foreign(answer) {
            return failure;
        }
        answer.failure(match answer.code() {
            Some("slow_down") => Failure::new(
                Kind::Throttled,
                format!(
                    "{} answered that there are too many requests ({words}).",
                    call.shown()
                ),
                "It may pass.",
            ),
            _ => self.unusable(format!(
                "The SSO login expired at {}, and {} does not renew it ({words}).",
                time::format_iso8601(token.expires_at),
                call.shown()
            )),
        })
    }

    async fn credentials(
        &self,
        context: &Context<'_>,
        token: &Token,
    ) -> Result<Credentials, Failure> {
        let proof = |_: &str| token.access.clone();
        let call = Call {
            service: Service::Sso,
            region: self.region,
            method: "GET",
            path: format!(
                "/federation/credentials?role_name={}&account_id={}",
                query_value(self.role_name),
                query_value(self.account_id)
            ),
            proof: Some(("x-amz-sso_bearer_token", &proof)),
            body: None,
        };
        let answer = call.send(context).await?;
        match answer.status {
            200 => self
                .parse(&answer)
                .map_err(|reason| call.meaningless(&answer, &reason)),
            _ => Err(self.refused(&call, &answer)),
        }
    }

    fn parse(&self, answer: &Answer) -> Result<Credentials, String> {
        let mut credentials = Credentials::new(
            answer.need("roleCredentials/accessKeyId")?,
            answer.need("roleCredentials/secretAccessKey")?,
            Some(answer.need("roleCredentials/sessionToken")?.to_owned()),
            "sso",
        );
        credentials.expires_at = Some(answer.number("roleCredentials/expiration")?);
        credentials.account_id = Some(self.account_id.to_owned());
        usable(
            credentials,
            [
                "accessKeyId",
                "secretAccessKey",
                "sessionToken",
                "sso_account_id",
            ],
        )
    }

    fn refused(&self, call: &Call<'_>, answer: &Answer) -> Failure {
        if let Some(failure) = call.foreign(answer) {
            return failure;
        }
        let (service, words) = (call.shown(), answer.words());
        answer.failure(match answer.status {
            401 => self.unusable(format!("The SSO login has expired or was revoked ({words}).")),
            403 | 404 => Failure::new(
                Kind::AccessDenied,
                format!(
                    "{service} does not give this login the role {} in the account {} ({words}).",
                    self.role_name, self.account_id
                ),
                "Check account and role.",
            ),
            _ => Failure::new(
                Kind::Service,
                format!("{service} gave no credentials ({words})."),
                format!("Check account, role, region and endpoint; `aws sso login --profile {}` starts afresh.", self.profile),
            ),
        })
    }
}

/// A renewed token is sent as a header, so it is checked before it replaces the one on disk.
fn sendable(access: &str) -> Result<&str, String> {
    if is_header(access) {
        return Ok(access);
    }
    Err("a value for accessToken that holds characters other than printable ASCII ones".into())
}

pub(super) async fn provide(
    context: &Context<'_>,
    chain: &ProfileChain,
) -> Result<Provided, Failure> {
    let Some(login) = Login::of(chain) else {
        return Ok(Provided::Absent(String::new().into()));
    };
    let token = login.good_token(context).await?;
    let credentials = login.credentials(context, &token).await?;
    Ok(BaseCredentials {
        warning: token.warning,
        sso_role: Some(login.role()),
        ..BaseCredentials::new(credentials)
    }
    .into())
}

/// As [`BaseCredentials::asker`] of its credentials.
pub(super) fn asker(chain: &ProfileChain) -> Option<String> {
    Login::of(chain).map(|login| sso_asker(&login.role()))
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
    environment.expand_home(&format!("~/.aws/sso/cache/{name:x}.json"))
}
