//! The instance metadata service, version 2 only.
//!
//! Ours and not the SDK's: that one waits three times as long off AWS, does not try again after a
//! time-out, and rewrites the expiry of a set that has ended.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use crate::{
    credentials::{Credentials, Millis},
    environment::Environment,
    failure::{Failure, Kind},
    http::{Allowed, Http, HttpError, MetadataClient, Reply},
    providers::metadata_credentials,
};
use std::time::Duration;
use tokio::time::sleep;

/// Link-local: it answers in a millisecond or not at all.
const CONNECT: Duration = Duration::from_millis(300);
const READ: Duration = Duration::from_secs(1);
/// How often one question is asked, once the service is known to be there.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);
/// How long a session token of IMDS is asked for: it has to last for one flight.
const TOKEN_SECONDS: &str = "60";

const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";

/// Why IMDS brought nothing.
#[derive(Debug)]
pub enum ImdsError {
    /// There is no IMDS here, as far as one can tell: refused, silent, or not Amazon's.
    Unavailable(String),
    /// It is there, and does not give credentials.
    Failed(Failure),
}

/// What a profile may say about IMDS.
#[derive(Clone, Debug, Default)]
pub struct ImdsEndpoint {
    pub endpoint: Option<String>,
    pub mode: Option<String>,
}

/// One conversation with IMDS.
pub struct Imds {
    direct: MetadataClient,
    base: String,
    token: Option<String>,
}

impl Imds {
    pub fn new(
        http: &Http,
        environment: &Environment,
        profile: &ImdsEndpoint,
    ) -> Result<Self, Failure> {
        let base = base(environment, profile)?;
        let direct = http.direct(&base, CONNECT, READ, Allowed::Anything)?;
        Ok(Self {
            direct,
            base,
            token: None,
        })
    }

    /// True where `AWS_EC2_METADATA_DISABLED` is `true`.
    #[must_use]
    pub fn is_disabled(environment: &Environment) -> bool {
        environment.is_true("AWS_EC2_METADATA_DISABLED")
    }

    /// The credentials of the instance profile. A set that has ended is served with its own end,
    /// marked: IMDS gives one out while it cannot get a newer itself, and services still take it.
    pub async fn credentials(&mut self, now: Millis) -> Result<Credentials, ImdsError> {
        self.open().await?;
        let roles = self.get(ROLE_PATH).await.map_err(ImdsError::Failed)?;
        let role = match roles.status {
            200 => String::from_utf8_lossy(&roles.body)
                .lines()
                .next()
                .map(str::trim)
                .unwrap_or_default()
                .to_owned(),
            404 => {
                return Err(ImdsError::Failed(Failure::no_credentials(
                    "This instance has no instance profile (IMDS answered 404). Attach one, or name other credentials.",
                    "",
                )));
            }
            status => return Err(ImdsError::Failed(unexpected_status(status))),
        };
        if role.is_empty()
            || !role
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'/')
        {
            return Err(ImdsError::Failed(Failure::new(
                Kind::Service,
                "IMDS named no role that can be asked for. Check the instance profile.",
                "",
            )));
        }
        let answer = self
            .get(&format!("{ROLE_PATH}{role}"))
            .await
            .map_err(ImdsError::Failed)?;
        if answer.status != 200 {
            return Err(ImdsError::Failed(unexpected_status(answer.status)));
        }
        let mut set = metadata_credentials::parse(&answer.body, "imds").map_err(|reason| {
            ImdsError::Failed(Failure::new(
                Kind::Service,
                format!("IMDS gave no usable credentials for the role {role}: {reason}. Check the role and its trust in ec2.amazonaws.com."), ""))
        })?;
        set.details.insert("instance_profile_role".into(), role);
        if set.is_expired_at(now) {
            set.degraded = Some("IMDS handed out a set that has ended; it has no newer one".into());
        }
        Ok(set)
    }

    /// The region this instance runs in. Asked only after IMDS has given credentials.
    pub async fn region(&self) -> Option<String> {
        let reply = self.get("/latest/meta-data/placement/region").await.ok()?;
        let region = String::from_utf8(reply.body).ok()?.trim().to_owned();
        let plain = !region.is_empty()
            && region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (reply.status == 200 && plain).then_some(region)
    }

    /// Gets the session token without which version 2 answers nothing.
    async fn open(&mut self) -> Result<(), ImdsError> {
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
                // Whoever answered once is there; before that, one try is all it gets.
                Err(HttpError::Timeout) if tries > 1 && tries < TRIES => {}
                Err(HttpError::Timeout) if tries > 1 => return Err(ImdsError::Failed(timed_out())),
                Err(HttpError::Timeout) => return Err(ImdsError::Unavailable("no answer".into())),
                Err(HttpError::Connection(why)) => return Err(ImdsError::Unavailable(why)),
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
            let last = tries >= TRIES;
            match self
                .direct
                .send("GET", &uri, &[("x-aws-ec2-metadata-token", token)])
                .await
            {
                Ok(reply) if is_passing(reply.status) && !last => sleep(PAUSE * tries).await,
                Err(HttpError::Timeout) if !last => {}
                Ok(reply) => return Ok(reply),
                Err(HttpError::Timeout) => return Err(timed_out()),
                Err(HttpError::Connection(why)) => {
                    return Err(Failure::new(
                        Kind::Connection,
                        format!("IMDS broke the connection ({why}). It may pass."),
                        "",
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
    let mut failure = Failure::new(
        kind,
        format!(
            "IMDS answered {status} when asked for credentials. It may pass; if not, check the instance's metadata options."
        ),
        "",
    );
    failure.status = Some(status);
    failure
}

fn timed_out() -> Failure {
    Failure::timeout("IMDS stopped answering. It may pass.", "")
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>
fn base(environment: &Environment, profile: &ImdsEndpoint) -> Result<String, Failure> {
    let endpoint = environment
        .get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .or(profile.endpoint.as_deref())
        .map(|url| url.trim().trim_end_matches('/').to_owned());
    if let Some(endpoint) = endpoint {
        crate::http::check_endpoint("The endpoint of IMDS", &endpoint)?;
        return Ok(endpoint);
    }
    let mode = environment
        .get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")
        .or(profile.mode.as_deref())
        .unwrap_or("IPv4");
    match mode.trim().to_ascii_lowercase().as_str() {
        "ipv4" => Ok("http://169.254.169.254".into()),
        "ipv6" => Ok("http://[fd00:ec2::254]".into()),
        _ => Err(Failure::configuration(
            format!("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is {mode:?}; it takes IPv4 or IPv6."),
            "",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_outranks_the_profile_and_an_endpoint_the_mode() {
        let imds_endpoint = ImdsEndpoint {
            endpoint: Some("http://127.0.0.1:2/".into()),
            mode: Some("IPv6".into()),
        };
        let none = Environment::default();
        let named =
            Environment::new([("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1/")]);
        assert_eq!(base(&named, &imds_endpoint).unwrap(), "http://127.0.0.1:1");
        assert_eq!(base(&none, &imds_endpoint).unwrap(), "http://127.0.0.1:2");
        let mode = ImdsEndpoint {
            endpoint: None,
            ..imds_endpoint
        };
        assert_eq!(base(&none, &mode).unwrap(), "http://[fd00:ec2::254]");
        assert_eq!(
            base(&none, &ImdsEndpoint::default()).unwrap(),
            "http://169.254.169.254"
        );
        let unexpected_status =
            Environment::new([("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5")]);
        assert!(base(&unexpected_status, &ImdsEndpoint::default()).is_err());
    }
}
