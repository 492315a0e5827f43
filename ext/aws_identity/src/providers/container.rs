//! The credentials endpoint of ECS tasks and of EKS Pod Identity.
//!
//! Written here, because `EcsCredentialsProvider` of aws-config 1.13.0 sends the token file's line
//! end as part of the token, ignores the time-outs it is given and waits 17 s for an endpoint that
//! does not answer, and looks up the endpoint's name a second time after it has checked the
//! address.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>

use super::{
    context::{Context, Local},
    metadata_credentials,
    source::{Availability, Provided, Source},
    token_file,
};
use crate::{
    credentials::{Credentials, KnownSecrets, Secret, is_header},
    environment::Environment,
    failure::{Failure, Kind},
    http::{self, Allowed, Http, HttpError, Reply},
    util::{foreign_text::shown, secret_json::SecretJson},
};
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const NAME: &str = "container";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// As in botocore: an agent that starts or is throttled is asked once a second.
const PAUSE: Duration = Duration::from_secs(1);
/// How often an endpoint is asked whose answer does not look like one that passes, as in botocore: an ECS agent
/// that has restarted does not know its tasks at first.
const TRIES: u32 = 3;
const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

pub(super) const SOURCE: Source = Source {
    name: NAME,
    is_metadata: true,
    label: |_| NAME.into(),
    provide: |context| Box::pin(provide(context)),
    check,
};

pub(super) async fn provide(context: &Context<'_>) -> Result<Provided, Failure> {
    let environment = context.local.environment;
    if !is_configured(environment) {
        return Ok(Provided::Absent(absence().into()));
    }
    credentials(context.http, environment, context.time())
        .await
        .map(Provided::from)
}

pub(super) fn check(local: &Local<'_>) -> Availability {
    if !is_configured(local.environment) {
        return Availability::Absent(absence());
    }
    match uri(local.environment).and_then(|_| token(local.environment)) {
        Ok(_) => Availability::Available("an endpoint is named".into()),
        Err(failure) => Availability::Unusable(failure),
    }
}

fn is_configured(environment: &Environment) -> bool {
    environment.first(&[RELATIVE_URI, FULL_URI]).is_some()
}

fn absence() -> String {
    "no AWS_CONTAINER_CREDENTIALS_* variable is set".into()
}

/// Asks the endpoint that the environment names, and again for as long as `time` while it may only be starting.
async fn credentials(
    http: &Http,
    environment: &Environment,
    time: Duration,
) -> Result<Credentials, Failure> {
    let until = Instant::now() + time;
    let uri = uri(environment)?;
    let allowed = if uri.starts_with("https:") {
        Allowed::Anything
    } else {
        Allowed::Container
    };
    let direct = http.direct(&uri, CONNECT_TIMEOUT, READ_TIMEOUT, allowed)?;
    let mut tries = 0;
    loop {
        tries += 1;
        // Read anew each time: an endpoint that refuses a token may be waiting for its successor.
        let token = token(environment)?;
        let headers: Vec<(&'static str, &str)> = token
            .iter()
            .map(|token| ("authorization", token.expose()))
            .collect();
        let asked = Asked {
            variable: variable(environment),
            place: http::shown_url(&uri),
            secrets: http.secrets(),
        };
        let answer = direct.send("GET", &uri, &headers).await;
        let is_time = Instant::now() + PAUSE < until;
        match answer {
            Ok(reply) if reply.status == 200 && is_json(&reply.body) => {
                return asked.credentials(&reply);
            }
            Ok(reply) if is_time && (may_pass(reply.status) || tries < TRIES) => sleep(PAUSE).await,
            Ok(reply) if reply.status == 200 => return asked.credentials(&reply),
            Ok(reply) => return Err(asked.refused(&reply)),
            Err(HttpError::Refused(_) | HttpError::Connection(_)) if is_time => sleep(PAUSE).await,
            // The time-out was the pause.
            Err(HttpError::Timeout) if Instant::now() < until => {}
            Err(HttpError::Timeout) => return Err(asked.silent()),
            Err(error) => return Err(asked.unreached(&error)),
        }
    }
}

/// True for an answer of an agent that is throttled or not ready. One without its token's keys, or one that a
/// service mesh gives in its place, answers 401 or 403.
fn may_pass(status: u16) -> bool {
    matches!(status, 401 | 403 | 429 | 500..)
}

fn is_json(body: &[u8]) -> bool {
    SecretJson::parse(body).is_some()
}

/// What was asked, for the words of a failure.
struct Asked<'a> {
    variable: &'static str,
    place: String,
    secrets: &'a KnownSecrets,
}

impl Asked<'_> {
    fn credentials(&self, reply: &Reply) -> Result<Credentials, Failure> {
        metadata_credentials::parse(&reply.body, NAME, self.secrets).map_err(|reason| {
            Failure::new(
                Kind::Service,
                format!(
                    "The container endpoint {} gave no usable credentials: {reason}.",
                    self.place
                ),
                format!(
                    "Check that {} names a credentials endpoint, and the task role.",
                    self.variable
                ),
            )
        })
    }

    fn unreached(&self, error: &HttpError) -> Failure {
        Failure::new(
            Kind::Connection,
            format!(
                "The container endpoint {} cannot be reached ({}).",
                self.place,
                shown(error.why())
            ),
            error.remedy_or(&self.remedy()),
        )
    }

    fn silent(&self) -> Failure {
        Failure::timeout(
            format!("The container endpoint {} does not answer.", self.place),
            self.remedy(),
        )
    }

    fn remedy(&self) -> String {
        format!("Check that the agent runs, and {}.", self.variable)
    }

    fn refused(&self, reply: &Reply) -> Failure {
        let status = reply.status;
        let kind = match status {
            401 | 403 => Kind::AccessDenied,
            429 => Kind::Throttled,
            _ => Kind::Service,
        };
        let words = metadata_credentials::words(&reply.body, self.secrets);
        let remedy = remedy(status, &words.to_ascii_lowercase()).unwrap_or_else(|| self.remedy());
        Failure {
            status: Some(status),
            ..Failure::new(
                kind,
                format!(
                    "The container endpoint {} answered {status}{words}.",
                    self.place
                ),
                remedy,
            )
        }
    }
}

/// What helps, by the words of the ECS agent and of the EKS Pod Identity Agent, else by the status.
fn remedy(status: u16, words: &str) -> Option<String> {
    let says = |all: &[&str]| all.iter().any(|word| words.contains(word));
    let remedy = if says(&["association"]) {
        "Check the Pod Identity association of this service account."
    } else if says(&["assume the", "assume role", "trust policy"]) {
        "Check the trust policy of the role: for Pod Identity pods.eks.amazonaws.com with sts:AssumeRole and sts:TagSession, for a task ecs-tasks.amazonaws.com."
    } else if says(&["expired", "token", "unauthorized"]) {
        "Check AWS_CONTAINER_AUTHORIZATION_TOKEN(_FILE): the file must be the one that is mounted, and be renewed."
    } else if says(&["invalididinrequest", "id not found"]) {
        "Check that the task has a task role, and that the variable is that of this task."
    } else {
        match status {
            401 | 403 => "Check AWS_CONTAINER_AUTHORIZATION_TOKEN(_FILE).",
            429 | 500.. => "It may pass.",
            400 | 404 => "Check the task role, or the Pod Identity association.",
            _ => return None,
        }
    };
    Some(remedy.to_owned())
}

/// The variable that names the endpoint.
fn variable(environment: &Environment) -> &'static str {
    environment
        .first(&[RELATIVE_URI, FULL_URI])
        .map_or(FULL_URI, |(name, _)| name)
}

fn uri(environment: &Environment) -> Result<String, Failure> {
    if let Some(path) = environment.get(RELATIVE_URI) {
        let path = path.trim();
        if !path.starts_with('/') {
            return Err(Failure::configuration(
                format!("{RELATIVE_URI} does not begin with a slash."),
                format!("Write a path, or name a whole URL in {FULL_URI}."),
            ));
        }
        return Ok(format!("http://169.254.170.2{path}"));
    }
    let uri = environment.get(FULL_URI).unwrap_or_default().trim();
    let uri = http::check_endpoint(FULL_URI, uri)?;
    // The look-up of a name checks its addresses; an IP address is not looked up, so it is checked
    // here.
    let address = http::host(&uri).and_then(|host| host.parse::<IpAddr>().ok());
    if uri.starts_with("http:")
        && address.is_some_and(|address| !Allowed::Container.permits(address))
    {
        return Err(Failure::configuration(
            format!(
                "{FULL_URI} is {}: over plain HTTP only loopback, 169.254.170.2, 169.254.170.23 and fd00:ec2::23 are asked, \
             since the token would be readable on the way.",
                http::shown_url(&uri)
            ),
            "Use https.",
        ));
    }
    Ok(uri)
}

fn token(environment: &Environment) -> Result<Option<Secret>, Failure> {
    if let Some(path) = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        return token_file::read(&environment.expand_home(path.trim()))
            .and_then(|token| {
                let is_sendable = is_header(token.expose());
                is_sendable.then_some(Some(token)).ok_or_else(|| format!("{path:?} holds characters other than ASCII"))
            })
            .map_err(|reason| {
                Failure::no_credentials(
                    format!("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {reason}."),
                    "Check the path, that the file is mounted (in EKS: the Pod Identity agent), and that this user may read it.",
                )
            });
    }
    let Some(token) = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN") else {
        return Ok(None);
    };
    if !is_header(token.trim()) {
        return Err(Failure::configuration(
            "AWS_CONTAINER_AUTHORIZATION_TOKEN holds control characters, or others than ASCII; it is one line of text.",
            "Check what sets it.",
        ));
    }
    Ok(Some(Secret::new(token.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, value: &str) -> Result<String, Failure> {
        uri(&Environment::new([(name, value)]))
    }

    #[test]
    fn plain_http_goes_to_few_addresses() {
        let name = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        for good in [
            "https://example.com/c",
            "http://127.0.0.1:1/c",
            "http://[::1]/c",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
        ] {
            assert_eq!(of(name, good).unwrap(), good);
        }
        for bad in [
            "http://10.0.0.1/c",
            "http://169.254.169.254/",
            "ftp://127.0.0.1/",
            "/c",
        ] {
            assert!(of(name, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_relative_uri_goes_to_ecs() {
        let name = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
        assert_eq!(of(name, "/v2/x").unwrap(), "http://169.254.170.2/v2/x");
        assert!(of(name, "v2").is_err());
    }

    #[test]
    fn a_token_with_a_line_in_it_is_refused_unseen() {
        let environment =
            Environment::new([("AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary\r\nx: y")]);
        let failure = token(&environment).unwrap_err();
        assert!(
            !failure.message().contains("canary"),
            "{}",
            failure.message()
        );
        let environment = Environment::new([("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token\n")]);
        assert_eq!(token(&environment).unwrap().unwrap().expose(), "token");
    }
}
