//! Requests to the services of a login that need no signature: the portal of IAM Identity Center, its
//! OIDC service, and AWS Sign-In.
//!
//! Written here, because the SSO and login providers of aws-config 1.13.0 take no endpoint (the
//! profile's `services` and `endpoint_url`, `AWS_ENDPOINT_URL_SSO`), ask in one region only, and
//! write their files back without the members they do not know.

use super::context::Context;
use crate::{
    credentials::{KnownSecrets, Millis, Secret},
    failure::{Failure, Kind},
    http::{self, HttpError, USER_AGENT},
    profile::Endpoints,
    region::check_region,
    sts::Endpoint,
    util::{foreign_text::shown, secret_json::SecretJson},
};
use aws_smithy_types::body::SdkBody;
use std::time::Duration;
use tokio::time::sleep;
use zeroize::Zeroizing;

/// The most requests of one call.
const TRIES: u32 = 2;
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// The portal of IAM Identity Center.
    Sso,
    SsoOidc,
    Signin,
}

/// A header's name, and its value for a URL.
pub(super) type Proof<'a> = (&'static str, &'a (dyn Fn(&str) -> Secret + Sync));

/// One request.
pub(super) struct Call<'a> {
    pub service: Service,
    pub region: &'a str,
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// What proves who asks: a header, made anew for each attempt from the whole URL.
    pub proof: Option<Proof<'a>>,
    /// JSON.
    pub body: Option<Zeroizing<Vec<u8>>>,
}

/// An answer other than 429 and 5xx.
pub(super) struct Answer {
    pub status: u16,
    pub json: Option<SecretJson>,
    pub secrets: KnownSecrets,
}

impl Service {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sso | Self::SsoOidc => "IAM Identity Center",
            Self::Signin => "AWS Sign-In",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Sso => "AWS_ENDPOINT_URL_SSO",
            Self::SsoOidc => "AWS_ENDPOINT_URL_SSO_OIDC",
            Self::Signin => "AWS_ENDPOINT_URL_SIGNIN",
        }
    }

    fn of(self, endpoints: Endpoints) -> Option<Secret> {
        match self {
            Self::Sso => endpoints.sso,
            Self::SsoOidc => endpoints.sso_oidc,
            Self::Signin => endpoints.signin,
        }
    }

    /// The URL that the environment or the profile names, in botocore's order.
    fn configured(self, context: &Context<'_>) -> Result<Option<Secret>, Failure> {
        let environment = context.local.environment;
        let chain = context.local.profile.ok();
        let ignored = environment
            .switch("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .or(chain.and_then(|chain| chain.ignore_configured_endpoint_urls));
        if ignored == Some(true) {
            return Ok(None);
        }
        if let Some((name, url)) = environment.first(&[self.variable(), "AWS_ENDPOINT_URL"]) {
            http::check_endpoint(name, url.trim())?;
            return Ok(Some(Secret::new(url.trim())));
        }
        let Some(url) = chain
            .map(|chain| chain.endpoints.clone())
            .transpose()?
            .and_then(|all| self.of(all))
        else {
            return Ok(None);
        };
        http::check_endpoint(
            &format!("The {} endpoint of the profile", self.name()),
            url.expose(),
        )?;
        Ok(Some(url))
    }

    /// Where requests go. A configured URL may have a password in it.
    async fn address(self, context: &Context<'_>, region: &str) -> Result<Secret, Failure> {
        check_region(&format!("The region of {}", self.name()), region)?;
        let url = self.configured(context)?;
        let endpoint = Endpoint {
            region: region.to_owned(),
            url,
            ..context.endpoint.clone()
        };
        let resolved = endpoint.resolve().await.map_err(|reason| {
            Failure::configuration(
                format!("There is no endpoint of {} for region {region} with these settings ({reason}).", self.name()),
                "Check the region, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT.",
            )
        })?;
        if endpoint.url.is_some() {
            return Ok(resolved);
        }
        Ok(Secret::new(self.beside_sts(&endpoint, resolved.expose())))
    }

    /// The service's own address, made from that of STS: their rules differ in the names of the hosts
    /// only, and the partition's domain and its FIPS and dual-stack hosts are the SDK's to know.
    fn beside_sts(self, endpoint: &Endpoint, sts: &str) -> String {
        let rest = sts.trim_start_matches("https://sts");
        match self {
            Self::Sso => format!("https://portal.sso{rest}"),
            Self::SsoOidc => format!("https://oidc{rest}"),
            Self::Signin => signin(endpoint, rest),
        }
    }
}

/// `rest` is what stands behind `https://sts` in the address of STS, such as `.eu-west-1.amazonaws.com`.
fn signin(endpoint: &Endpoint, rest: &str) -> String {
    let Endpoint {
        region,
        use_fips,
        use_dualstack,
        ..
    } = endpoint;
    let is_gov = region.starts_with("us-gov-");
    let suffix = rest
        .trim_start_matches('.')
        .trim_start_matches(region.as_str())
        .trim_start_matches('.');
    match (use_fips.unwrap_or(false), use_dualstack.unwrap_or(false)) {
        (true, false) if region == "us-gov-west-1" => {
            "https://signin-fips.amazonaws-us-gov.com".into()
        }
        (true, false) if is_gov => format!("https://{region}.signin-fips.amazonaws-us-gov.com"),
        (false, false) => {
            let suffix = match suffix {
                "amazonaws.com" if is_gov => "amazonaws-us-gov.com",
                "amazonaws.com" => "aws.amazon.com",
                "amazonaws.com.cn" => "amazonaws.cn",
                "amazonaws.eu" => "amazonaws-eusc.eu",
                "c2s.ic.gov" => "c2shome.ic.gov",
                "sc2s.sgov.gov" => "sc2shome.sgov.gov",
                "csp.hci.ic.gov" => "csphome.hci.ic.gov",
                "cloud.adc-e.uk" => "csphome.adc-e.uk",
                other => other,
            };
            format!("https://{region}.signin.{suffix}")
        }
        _ => format!("https://signin{rest}"),
    }
}

impl Call<'_> {
    /// The service's name and region, as a message says them.
    pub(super) fn shown(&self) -> String {
        format!("{} ({})", self.service.name(), self.region)
    }

    /// The answer. What may pass by itself (no connection, no answer, 429, 5xx) is a failure, once it
    /// has been tried twice.
    pub(super) async fn send(&self, context: &Context<'_>) -> Result<Answer, Failure> {
        let address = self.service.address(context, self.region).await?;
        let url = Secret::new(format!(
            "{}{}",
            address.expose().trim_end_matches('/'),
            self.path
        ));
        let client = context.http.plain(url.expose())?;
        let mut tries = 0;
        loop {
            tries += 1;
            let proof = self
                .proof
                .map(|(name, proof)| (name, proof(&http::without_userinfo(url.expose()))));
            let mut headers = vec![("accept", "application/json"), ("user-agent", USER_AGENT)];
            headers.extend(proof.as_ref().map(|(name, value)| (*name, value.expose())));
            let body = match &self.body {
                Some(body) => {
                    headers.push(("content-type", "application/json"));
                    http::wiped_body(body.clone())
                }
                None => SdkBody::empty(),
            };
            let failure = match client
                .send_body(self.method, url.expose(), &headers, body)
                .await
            {
                Ok(reply) => {
                    let answer = Answer {
                        status: reply.status,
                        json: SecretJson::parse(&reply.body),
                        secrets: context.http.secrets().clone(),
                    };
                    match self.outage(&answer) {
                        None => return Ok(answer),
                        Some(failure) => failure,
                    }
                }
                Err(error) => self.unanswered(&address, error),
            };
            if tries == TRIES {
                return Err(failure);
            }
            sleep(PAUSE).await;
        }
    }

    fn outage(&self, answer: &Answer) -> Option<Failure> {
        let (kind, what) = match answer.status {
            429 => (Kind::Throttled, "answered that there are too many requests"),
            500.. => (Kind::Service, "has an error of its own"),
            _ => return None,
        };
        let cause = format!("{} {what} ({}).", self.shown(), answer.words());
        Some(answer.failure(Failure::new(kind, cause, "It may pass.")))
    }

    /// The failure of a 401 or 403 without a code of the service: a proxy or a mesh gave it, and it says
    /// nothing of the login.
    pub(super) fn foreign(&self, answer: &Answer) -> Option<Failure> {
        if answer.code().is_some() || !matches!(answer.status, 401 | 403) {
            return None;
        }
        Some(answer.failure(Failure::new(
            Kind::AccessDenied,
            format!(
                "{} answered {}, without an error code.",
                self.shown(),
                answer.words()
            ),
            "Check the proxy, service mesh or endpoint that gave it. It may pass.",
        )))
    }

    /// The failure of an answer that is not the service's.
    pub(super) fn meaningless(&self, answer: &Answer, reason: &str) -> Failure {
        answer.failure(Failure::new(
            Kind::Service,
            format!("{} gave no usable answer: it has {reason}.", self.shown()),
            "Whatever answers at the endpoint is not the service; check it.",
        ))
    }

    fn unanswered(&self, address: &Secret, error: HttpError) -> Failure {
        let place = http::shown_url(address.expose());
        let remedy = error.remedy_or("Check the network and proxy.").to_owned();
        let (kind, what) = match error {
            HttpError::Timeout => (Kind::Timeout, "does not answer".to_owned()),
            error => (
                Kind::Connection,
                format!("could not be reached ({})", shown(error.why())),
            ),
        };
        Failure::new(kind, format!("{} at {place} {what}.", self.shown()), remedy)
    }
}

impl Answer {
    /// The service's code: a member of the body, since the header says the same.
    pub(super) fn code(&self) -> Option<&str> {
        self.text(&["error", "__type", "code"])
            .map(|code| code.rsplit('#').next().unwrap_or(code))
            .and_then(|code| self.secrets.code(code))
    }

    /// Status, code and message in one line, fit for a message.
    pub(super) fn words(&self) -> String {
        let message = self.text(&["error_description", "message", "Message"]);
        let words: Vec<String> = [self.code(), message]
            .into_iter()
            .flatten()
            .map(|words| self.secrets.shown(words))
            .collect();
        if words.is_empty() {
            return format!("status {}", self.status);
        }
        words.join(": ")
    }

    /// The failure with what the answer says of itself: its own code, or none.
    pub(super) fn failure(&self, failure: Failure) -> Failure {
        Failure {
            code: self.code().map(shown),
            status: Some(self.status),
            ..failure
        }
        .answered()
    }

    pub(super) fn need(&self, place: &str) -> Result<&str, String> {
        let text = self.json.as_ref().and_then(|json| json.text(place));
        text.ok_or_else(|| format!("no {place}"))
    }

    pub(super) fn number(&self, place: &str) -> Result<i64, String> {
        let number = self
            .json
            .as_ref()
            .and_then(|json| json.get(place)?.as_i64());
        number.ok_or_else(|| format!("no {place} that is a number"))
    }

    /// When what was given at `now` ends, by `expiresIn`; any number may stand there.
    pub(super) fn expires_at(&self, now: Millis) -> Result<Millis, String> {
        let seconds = self.number("expiresIn")?;
        Ok(now.saturating_add(seconds.saturating_mul(1000)))
    }

    fn text(&self, names: &[&str]) -> Option<&str> {
        let json = self.json.as_ref()?;
        names.iter().find_map(|name| json.text(name))
    }
}

#[cfg(test)]
mod tests;
