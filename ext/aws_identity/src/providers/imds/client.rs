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

use crate::{
    credentials::{Credentials, Millis},
    environment::Environment,
    failure::{Failure, Kind},
    http::{Allowed, Http, HttpError, PlainClient, Reply},
    profile::ProfileChain,
    providers::metadata_credentials,
    util::foreign_text::shown,
};
use std::time::Duration;
use tokio::time::sleep;

/// IMDS is link-local, so it answers in a millisecond or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);
const READ_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a request is sent once IMDS has answered.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);
/// The requested lifetime of a session token, which is used for one fetch.
const TOKEN_SECONDS: &str = "60";

const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";

/// Why IMDS gave no credentials.
#[derive(Debug)]
pub enum ImdsError {
    /// There seems to be no IMDS: the connection was refused, timed out, or the answer is not
    /// Amazon's.
    Unavailable(String),
    /// IMDS answers, but gives no credentials.
    Failed(Failure),
}

/// A connection to IMDS, and the session token it gave.
pub struct Imds {
    direct: PlainClient,
    base: String,
    token: Option<String>,
}

impl Imds {
    pub(super) fn new(
        http: &Http,
        environment: &Environment,
        profile: Option<&ProfileChain>,
    ) -> Result<Self, Failure> {
        let base = base(environment, profile)?;
        let direct = http.direct(&base, CONNECT_TIMEOUT, READ_TIMEOUT, Allowed::Anything)?;
        Ok(Self {
            direct,
            base,
            token: None,
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
    async fn role(&self) -> Result<String, Failure> {
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
            status => return Err(unexpected_status(status)),
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

    async fn of_role(&self, role: &str) -> Result<Credentials, Failure> {
        let reply = self.get(&format!("{ROLE_PATH}{role}")).await?;
        if reply.status != 200 {
            return Err(unexpected_status(reply.status));
        }
        metadata_credentials::parse(&reply.body, "imds").map_err(|reason| {
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

    /// The region of this instance, asked for only after IMDS has given credentials.
    pub async fn region(&self) -> Option<String> {
        let reply = self.get("/latest/meta-data/placement/region").await.ok()?;
        let region = String::from_utf8(reply.body).ok()?.trim().to_owned();
        let plain = !region.is_empty()
            && region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (reply.status == 200 && plain).then_some(region)
    }

    /// Gets the session token, which version 2 needs for every request.
    async fn fetch_token(&mut self) -> Result<(), ImdsError> {
        let uri = format!("{}/latest/api/token", self.base);
        let header = [("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS)];
        let mut tries = 0;
        let reply = loop {
            tries += 1;
            match self.direct.send("PUT", &uri, &header).await {
                Ok(reply) if is_passing(reply.status) && tries < TRIES => {
                    sleep(PAUSE * tries).await;
                }
                Ok(reply) => break reply,
                // Only a service that has answered is retried, since there may be no IMDS.
                Err(HttpError::Timeout) if tries > 1 && tries < TRIES => {}
                Err(HttpError::Timeout) if tries > 1 => return Err(ImdsError::Failed(timed_out())),
                Err(HttpError::Timeout) => return Err(ImdsError::Unavailable("no answer".into())),
                Err(HttpError::Connection(why)) => return Err(ImdsError::Unavailable(shown(&why))),
            }
        };
        let token = String::from_utf8(reply.body).unwrap_or_default();
        let is_token = !token.is_empty()
            && token.len() < 1024
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        match reply.status {
            200 if is_token => {
                self.token = Some(token);
                Ok(())
            }
            200 => Err(ImdsError::Unavailable("it does not speak IMDSv2".into())),
            status if is_passing(status) => Err(ImdsError::Failed(unexpected_status(status))),
            // Other clouds have a metadata service at the same address, and it has no such path.
            status => Err(ImdsError::Unavailable(format!(
                "it answered {status} to the request for a token"
            ))),
        }
    }

    async fn get(&self, path: &str) -> Result<Reply, Failure> {
        let uri = format!("{}{path}", self.base);
        let token = self.token.as_deref().unwrap_or_default();
        let mut tries = 0;
        loop {
            tries += 1;
            let is_last = tries >= TRIES;
            match self
                .direct
                .send("GET", &uri, &[("x-aws-ec2-metadata-token", token)])
                .await
            {
                Ok(reply) if is_passing(reply.status) && !is_last => sleep(PAUSE * tries).await,
                Err(HttpError::Timeout) if !is_last => {}
                Ok(reply) => return Ok(reply),
                Err(HttpError::Timeout) => return Err(timed_out()),
                Err(HttpError::Connection(why)) => {
                    return Err(Failure::new(
                        Kind::Connection,
                        format!("IMDS broke the connection ({}).", shown(&why)),
                        "It may pass.",
                    ));
                }
            }
        }
    }
}

fn is_passing(status: u16) -> bool {
    status >= 500 || status == 429
}

fn unexpected_status(status: u16) -> Failure {
    let kind = match status {
        429 => Kind::Throttled,
        401 | 403 => Kind::AccessDenied,
        _ => Kind::Service,
    };
    Failure {
        status: Some(status),
        ..Failure::new(
            kind,
            format!("IMDS answered {status} when asked for credentials."),
            "It may pass; if not, check the instance's metadata options.",
        )
    }
}

fn timed_out() -> Failure {
    Failure::timeout("IMDS stopped answering.", "It may pass.")
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>
fn base(environment: &Environment, profile: Option<&ProfileChain>) -> Result<String, Failure> {
    let endpoint = environment
        .get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .or_else(|| Some(profile?.ec2_metadata_service_endpoint.as_ref()?.expose()))
        .map(|url| url.trim().trim_end_matches('/').to_owned());
    if let Some(endpoint) = endpoint {
        crate::http::check_endpoint("The endpoint of IMDS", &endpoint)?;
        return Ok(endpoint);
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
