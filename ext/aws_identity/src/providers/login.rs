//! A console session of `aws login`: the credentials in its file, renewed when they soon expire.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/access-login.html>

mod dpop;

use super::{
    context::{Context, Local},
    credential_json::usable,
    login_file::{LoginFile, or_renewed_meanwhile, renewed},
    service::{Answer, Call, Service},
    source::{Availability, BaseCredentials, Provided},
};
use crate::{
    credentials::{Credentials, Millis, Names, Secret},
    environment::Environment,
    failure::{Failure, Kind},
    util::{secret_json::SecretJson, time},
};
use dpop::DpopKey;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// Credentials are renewed that early, as botocore does.
const RENEWED_BEFORE: Millis = 5 * 60_000;
/// The parts of credentials, as messages name them.
const NAMES: Names = [
    "accessKeyId",
    "secretAccessKey",
    "sessionToken",
    "accountId",
];

/// The login of a profile.
struct Login<'a> {
    session: &'a str,
    profile: &'a str,
}

/// Credentials that are on disk.
struct Token {
    file: LoginFile,
    expires_at: Millis,
    warning: Option<String>,
}

impl Token {
    fn read(path: &Path) -> Result<Self, String> {
        let file = LoginFile::read(path)?;
        for place in [
            "accessToken/accessKeyId",
            "accessToken/secretAccessKey",
            "accessToken/sessionToken",
        ] {
            file.text(place).ok_or_else(|| file.without(place))?;
        }
        let expires_at = file
            .time("accessToken/expiresAt")
            .ok_or_else(|| file.without("accessToken/expiresAt"))?;
        Ok(Self {
            file,
            expires_at,
            warning: None,
        })
    }

    fn credentials(&self) -> Credentials {
        let text = |name: &str| self.file.text(&format!("accessToken/{name}"));
        let mut credentials = Credentials::new(
            text("accessKeyId").unwrap_or_default(),
            text("secretAccessKey").unwrap_or_default(),
            text("sessionToken").map(str::to_owned),
            "login",
        );
        credentials.expires_at = Some(self.expires_at);
        credentials.account_id = self.file.digits("accessToken/accountId");
        credentials
    }
}

/// What a renewal needs beside the session.
struct Renewal<'a> {
    client_id: &'a str,
    refresh_token: &'a str,
    key: DpopKey,
}

impl<'a> Renewal<'a> {
    /// `Err` says what the file lacks.
    fn of(file: &'a LoginFile) -> Result<Self, String> {
        let needed = |place| file.text(place).ok_or_else(|| file.without(place));
        Ok(Self {
            client_id: needed("clientId")?,
            refresh_token: needed("refreshToken")?,
            key: DpopKey::parse(needed("dpopKey")?).ok_or_else(|| file.without("dpopKey"))?,
        })
    }
}

/// What an answer gives.
struct Given<'a> {
    texts: [(&'static str, &'a str); 4],
    expires_at: Millis,
}

impl<'a> Given<'a> {
    /// `Err` says what the answer has in its place, or what of it cannot be used.
    fn of(answer: &'a Answer, now: Millis) -> Result<Self, String> {
        let text = |place| Ok::<_, String>((place, answer.need(place)?));
        let texts = [
            text("accessToken/accessKeyId")?,
            text("accessToken/secretAccessKey")?,
            text("accessToken/sessionToken")?,
            text("refreshToken")?,
        ];
        let [(_, id), (_, secret), (_, token), _] = texts;
        // Here, and not first where they are handed out: what cannot be used must not replace the login on disk.
        usable(
            Credentials::new(id, secret, Some(token.to_owned()), "login"),
            NAMES,
        )?;
        Ok(Self {
            texts,
            expires_at: answer.expires_at(now)?,
        })
    }
}

impl Login<'_> {
    /// A failure of the login itself.
    fn unusable(&self, cause: String) -> Failure {
        Failure::no_credentials(cause, self.remedy())
    }

    /// No refusal: the file may be away or half while another program writes it.
    fn unreadable(&self, why: &str) -> Failure {
        self.unusable(format!("The console session {why}."))
    }

    fn remedy(&self) -> String {
        format!("Run `aws login --profile {}`.", self.profile)
    }

    fn token(&self, local: &Local<'_>) -> Result<Token, Failure> {
        Token::read(&token_path(local.environment, self.session))
            .map_err(|why| self.unreadable(&why))
    }

    /// The failure if what is on disk cannot be used.
    fn check(&self, local: &Local<'_>) -> Result<(), Failure> {
        let token = self.token(local)?;
        if token.expires_at <= local.now {
            Renewal::of(&token.file).map_err(|why| self.unreadable(&why))?;
        }
        Ok(())
    }

    /// Credentials that are good, renewed where they soon are not. In an outage the old ones are used as
    /// long as they are.
    async fn good_token(&self, context: &Context<'_>) -> Result<Token, Failure> {
        let now = context.local.now;
        let token = self.token(&context.local)?;
        if token.expires_at - now > RENEWED_BEFORE {
            return Ok(token);
        }
        let renewal = self.renew(context, &token);
        let renewed = renewed(context, token.expires_at > now, renewal).await;
        let read_again = || {
            let other = self.token(&context.local).ok()?;
            (other.expires_at > token.expires_at.max(now)).then_some(other)
        };
        match or_renewed_meanwhile(renewed, read_again) {
            Err(failure) if failure.is_outage() && token.expires_at > now => Ok(token),
            renewed => renewed,
        }
    }

    /// Asks for new credentials, in the region of the login, and writes them to the file.
    async fn renew(&self, context: &Context<'_>, token: &Token) -> Result<Token, Failure> {
        let renewal = Renewal::of(&token.file).map_err(|why| self.unreadable(&why))?;
        let body = SecretJson::of(&[
            ("clientId", renewal.client_id),
            ("grantType", "refresh_token"),
            ("refreshToken", renewal.refresh_token),
        ]);
        let proof = |url: &str| Secret::new(renewal.key.proof("POST", url, time::now()));
        let call = Call {
            service: Service::Signin,
            // A refresh token is redeemed where it was issued.
            region: token
                .file
                .text("signInRegion")
                .unwrap_or(&context.endpoint.region),
            method: "POST",
            path: "/v1/token".into(),
            proof: Some(("dpop", &proof)),
            body: Some(body.to_bytes()),
        };
        let answer = call.send(context).await?;
        if answer.status != 200 {
            return Err(self.not_renewed(&call, &answer));
        }
        let given = Given::of(&answer, context.local.now)
            .map_err(|reason| call.meaningless(&answer, &reason))?;
        self.save(context, &given)
    }

    /// Writes what was given into the file as it is now, every other member kept.
    fn save(&self, context: &Context<'_>, given: &Given<'_>) -> Result<Token, Failure> {
        let mut token = self.token(&context.local)?;
        for (place, value) in given.texts {
            token.file.set(place, value);
        }
        token
            .file
            .set_time("accessToken/expiresAt", given.expires_at);
        token.expires_at = given.expires_at;
        token.warning = token.file.save();
        Ok(token)
    }

    fn not_renewed(&self, call: &Call<'_>, answer: &Answer) -> Failure {
        if let Some(failure) = call.foreign(answer) {
            return failure;
        }
        let (service, words) = (call.shown(), answer.words());
        answer.failure(match answer.code() {
            Some("TOKEN_EXPIRED") => {
                self.unusable(format!("The console session of `aws login` has expired ({words})."))
            }
            Some("USER_CREDENTIALS_CHANGED") => self.unusable(format!(
                "The console session of `aws login` ended when the password was changed ({words})."
            )),
            Some("INSUFFICIENT_PERMISSIONS") => Failure::new(
                Kind::AccessDenied,
                format!("{service} does not renew the console session: signin:CreateOAuth2Token is not allowed ({words})."),
                "Allow it, as the managed policy SignInLocalDevelopmentAccess does.",
            ),
            _ => self.unusable(format!(
                "The console session of `aws login` expired, and {service} does not renew it ({words})."
            )),
        })
    }
}

pub(super) async fn provide(
    context: &Context<'_>,
    session: &str,
    profile: &str,
) -> Result<Provided, Failure> {
    let login = Login { session, profile };
    let token = login.good_token(context).await?;
    let credentials = usable(token.credentials(), NAMES)
        .map_err(|what| login.unreadable(&format!("has {what}")))?;
    Ok(BaseCredentials {
        warning: token.warning,
        ..BaseCredentials::new(credentials)
    }
    .into())
}

/// Checks whether this machine has a login that could give credentials.
pub(super) fn check(local: &Local<'_>, session: &str, profile: &str) -> Availability {
    match (Login { session, profile }).check(local) {
        Ok(()) => Availability::Available("there is a login".into()),
        Err(failure) => Availability::Unusable(failure),
    }
}

/// The path of the file, which the AWS CLI and all SDKs share.
pub(crate) fn token_path(environment: &Environment, session: &str) -> PathBuf {
    let name = Sha256::digest(session);
    let folder = environment
        .get("AWS_LOGIN_CACHE_DIRECTORY")
        .unwrap_or("~/.aws/login/cache");
    environment
        .expand_home(folder)
        .join(format!("{name:x}.json"))
}
