//! A client for the instance metadata service, version 2 only.
//!
//! Written here, although aws-config 1.13.0 has one (`imds::Client`), whose time-outs and number of
//! attempts can be configured, because:
//!
//! - its first back-off is 1 s, with jitter, where IMDS answers in a millisecond: a passing 500 would
//!   cost a quarter of a fetch's time; here it is 0.1 s
//! - it keeps its retry tokens in a static partition behind a mutex, which a forked child can inherit
//!   locked
//! - it never retries the status 429
//! - it does not tell "there is no IMDS here" from "IMDS is here and fails": the first sends the
//!   provider chain on, the second stops it
//!
//! `spec/core/tests/core/library.rs` shows the first and the third.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use super::retry::{Place, Retries, is_passing};
use crate::{
    credentials::{Credentials, KnownSecrets, Millis, Secret},
    environment::Environment,
    failure::{Failure, Kind},
    http::{Allowed, Http, HttpError, PlainClient, Reply},
    profile::ProfileChain,
    providers::metadata_credentials,
    region::check_region,
    util::foreign_text::shown,
};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// The requested lifetime of a session token, which is used for one fetch.
const TOKEN_SECONDS: &str = "60";

const TOKEN_PATH: &str = "/latest/api/token";
const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";

/// Why IMDS gave no credentials.
#[derive(Debug)]
pub enum ImdsError {
    /// There seems to be no IMDS: the connection was refused, timed out, or the answer is not
    /// Amazon's.
    Unavailable(String),
    /// It answered 403 to the request for a token: on EC2 it is turned off.
    Off,
    /// IMDS answers, but gives no credentials.
    Failed(Failure),
}

/// A connection to IMDS, and the session token it gave.
pub struct Imds {
    direct: PlainClient,
    base: String,
    retries: Retries,
    token: Option<Secret>,
    secrets: KnownSecrets,
    /// True if a lost token was replaced: that happens once.
    is_renewed: bool,
}

impl Imds {
    pub(super) fn new(http: &Http, place: &Place<'_>) -> Result<Self, Failure> {
        let base = base(place.environment, place.profile)?;
        let retries = Retries::new(place)?;
        let direct = http.direct(
            &base,
            retries.connect(),
            place.time.max(Duration::from_secs(1)),
            Allowed::Anything,
        )?;
        Ok(Self {
            direct,
            base,
            retries,
            token: None,
            secrets: http.secrets().clone(),
            is_renewed: false,
        })
    }

    /// The credentials of the instance profile. Expired ones keep their expiration and are marked
    /// as degraded, because IMDS serves them while it cannot renew them, and services still accept
    /// them.
    pub(super) async fn credentials(&mut self, now: Millis) -> Result<Credentials, ImdsError> {
        self.fetch_token().await?;
        let role = self.role().await.map_err(ImdsError::Failed)?;
        let mut credentials = self.of_role(&role).await.map_err(ImdsError::Failed)?;
        credentials
            .details
            .insert("instance_profile_role".into(), role);
        if credentials.is_expired_at(now) {
            credentials.degraded =
                Some("IMDS handed out credentials that have expired; it has no newer ones".into());
        }
        Ok(credentials)
    }

    /// The name of the instance profile's role.
    async fn role(&mut self) -> Result<String, Failure> {
        let reply = self.get(ROLE_PATH).await?;
        match reply.status {
            200 => {}
            404 => {
                return Err(Failure::no_credentials(
                    "This instance has no instance profile (IMDS answered 404).",
                    "Attach one, or name other credentials.",
                )
                .answered());
            }
            _ => return Err(self.refused(&reply)),
        }
        let text = String::from_utf8_lossy(&reply.body);
        let role = text.lines().next().unwrap_or_default().trim();
        let is_name = !role.is_empty()
            && role
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'/');
        if is_name {
            return Ok(role.to_owned());
        }
        Err(Failure::new(
            Kind::Service,
            "IMDS named no role that can be asked for.",
            "Check the instance profile.",
        ))
    }

    async fn of_role(&mut self, role: &str) -> Result<Credentials, Failure> {
        let reply = self.get(&format!("{ROLE_PATH}{role}")).await?;
        if reply.status != 200 {
            return Err(self.refused(&reply));
        }
        metadata_credentials::parse(&reply.body, "imds", &self.secrets).map_err(|reason| {
            Failure::new(
                Kind::Service,
                format!(
                    "IMDS gave no usable credentials for the role {}: {reason}.",
                    shown(role)
                ),
                "Check the role and its trust in ec2.amazonaws.com.",
            )
        })
    }

    /// The region of this instance, asked for only after IMDS has given credentials, and given up after
    /// `limit`: the fetch goes on without it.
    pub async fn region(&mut self, limit: Duration) -> Option<String> {
        let asked = self.get("/latest/meta-data/placement/region");
        let reply = timeout(limit, asked).await.ok()?.ok()?;
        let region = str::from_utf8(&reply.body).ok()?.trim();
        let is_one = reply.status == 200 && check_region("region", region).is_ok();
        is_one.then(|| region.to_owned())
    }

    /// Gets the session token, which version 2 needs for every request.
    async fn fetch_token(&mut self) -> Result<(), ImdsError> {
        // RFC 9110 8.6: a PUT without content says so.
        let headers = [
            ("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS),
            ("content-length", "0"),
        ];
        let reply = match self.ask("PUT", TOKEN_PATH, &headers).await {
            // A service that has lost its keys answers so once.
            Ok(reply) if reply.status == 401 => self.ask("PUT", TOKEN_PATH, &headers).await,
            answer => answer,
        };
        let reply = reply.map_err(|error| match error {
            HttpError::Timeout if self.retries.is_there() => ImdsError::Failed(self.slow()),
            HttpError::Timeout => {
                ImdsError::Unavailable(format!("no answer {}", self.retries.waited()))
            }
            error => ImdsError::Unavailable(shown(error.why())),
        })?;
        let token = str::from_utf8(&reply.body).unwrap_or_default();
        let is_token = !token.is_empty()
            && token.len() < 1024
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        match reply.status {
            200 if is_token => {
                self.token = Some(Secret::new(token));
                Ok(())
            }
            200 => Err(ImdsError::Unavailable("it does not speak IMDSv2".into())),
            403 => Err(ImdsError::Off),
            status if is_passing(status) => Err(ImdsError::Failed(unexpected_status(status, ""))),
            // Other clouds have a metadata service at the same address, and it has no such path.
            status => Err(ImdsError::Unavailable(not_amazons(status))),
        }
    }

    /// The answer to a question. 401 says that the token is no longer known: one new one is fetched.
    async fn get(&mut self, path: &str) -> Result<Reply, Failure> {
        loop {
            let token = self.token.clone();
            let token = token.as_ref().map_or("", Secret::expose);
            let headers = [("x-aws-ec2-metadata-token", token)];
            let reply = self
                .ask("GET", path, &headers)
                .await
                .map_err(|error| match error {
                    HttpError::Timeout => self.slow(),
                    error => Failure::new(
                        Kind::Connection,
                        format!("IMDS broke the connection ({}).", shown(error.why())),
                        "It may pass.",
                    ),
                })?;
            if reply.status != 401 || self.is_renewed {
                return Ok(reply);
            }
            self.is_renewed = true;
            self.fetch_token().await.map_err(|error| match error {
                ImdsError::Failed(failure) => failure,
                ImdsError::Off => unexpected_status(403, ""),
                ImdsError::Unavailable(why) => Failure::new(
                    Kind::Connection,
                    format!("IMDS lost its token and gives no other ({why})."),
                    "It may pass.",
                ),
            })?;
        }
    }

    /// Puts one question, and again where that may help.
    async fn ask(
        &mut self,
        method: &'static str,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Reply, HttpError> {
        let uri = format!("{}{path}", self.base);
        let (mut attempt, mut broken) = (1, 0);
        loop {
            let start = Instant::now();
            let limit = self.retries.limit(attempt);
            let sent = self.direct.send_within(limit, method, &uri, headers);
            let answer = sent.await;
            if answer.is_ok() {
                self.retries.answered(start.elapsed());
            }
            let is_broken = matches!(answer, Err(HttpError::Connection(_)));
            broken += u32::from(is_broken);
            match self.retries.pause(&answer, attempt, broken) {
                Some(pause) => sleep(pause).await,
                None => return answer,
            }
            attempt += u32::from(!is_broken);
        }
    }

    fn refused(&self, reply: &Reply) -> Failure {
        let words = metadata_credentials::words(&reply.body, &self.secrets);
        unexpected_status(reply.status, &words)
    }

    fn slow(&self) -> Failure {
        Failure::timeout(
            format!(
                "IMDS is slow: it gave an answer, and then none {}.",
                self.retries.waited()
            ),
            "It may pass. If not, raise AWS_METADATA_SERVICE_TIMEOUT (or metadata_service_timeout), and resolve_timeout with it.",
        )
    }
}

pub(super) fn not_amazons(status: u16) -> String {
    format!("it answered {status} to the request for a token")
}

fn unexpected_status(status: u16, words: &str) -> Failure {
    let kind = match status {
        429 => Kind::Throttled,
        401 | 403 => Kind::AccessDenied,
        _ => Kind::Service,
    };
    Failure {
        status: Some(status),
        ..Failure::new(
            kind,
            format!("IMDS answered {status} when asked for credentials{words}."),
            "It may pass; if not, check the instance's metadata options.",
        )
    }
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>
fn base(environment: &Environment, profile: Option<&ProfileChain>) -> Result<String, Failure> {
    let endpoint = environment
        .get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .or_else(|| Some(profile?.ec2_metadata_service_endpoint.as_ref()?.expose()))
        .map(|url| url.trim().trim_end_matches('/').to_owned());
    if let Some(endpoint) = endpoint {
        return crate::http::check_endpoint("The endpoint of IMDS", &endpoint);
    }
    let mode = environment
        .get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")
        .or_else(|| profile?.ec2_metadata_service_endpoint_mode.as_deref())
        .unwrap_or("IPv4");
    match mode.trim().to_ascii_lowercase().as_str() {
        "ipv4" => Ok("http://169.254.169.254".into()),
        "ipv6" => Ok("http://[fd00:ec2::254]".into()),
        _ => Err(Failure::configuration(
            format!("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is {mode:?}; it takes IPv4 or IPv6."),
            "Correct it there, or as ec2_metadata_service_endpoint_mode of the profile.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Files, resolve};

    #[test]
    fn the_environment_outranks_the_profile_and_an_endpoint_the_mode() {
        let profile = |text: &str| {
            let files = Files::from_texts(&format!("[default]\n{text}"), "").unwrap();
            resolve(&files, "default").unwrap()
        };
        let mode = "ec2_metadata_service_endpoint_mode = IPv6\n";
        let both = profile(&format!(
            "ec2_metadata_service_endpoint = http://127.0.0.1:2/\n{mode}"
        ));
        let none = Environment::default();
        let named =
            Environment::new([("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1/")]);
        assert_eq!(base(&named, Some(&both)).unwrap(), "http://127.0.0.1:1");
        assert_eq!(base(&none, Some(&both)).unwrap(), "http://127.0.0.1:2");
        assert_eq!(
            base(&none, Some(&profile(mode))).unwrap(),
            "http://[fd00:ec2::254]"
        );
        assert_eq!(base(&none, None).unwrap(), "http://169.254.169.254");
        let unknown = Environment::new([("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5")]);
        assert!(base(&unknown, None).is_err());
    }
}
