//! The request that is signed, and how its URL becomes a token.

use crate::{
    credentials::{Credentials, Millis},
    failure::Failure,
    sts::signing_keys,
    util::url::query_value,
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_types::base64;
use std::{
    error::Error,
    time::{Duration, SystemTime},
};

/// What is signed.
pub(super) struct Request {
    pub method: &'static str,
    pub service: &'static str,
    url: String,
    /// As botocore signs it: in lower case, without the default port.
    host: String,
    pub header: Option<(&'static str, String)>,
    /// `X-Amz-Expires`, in seconds.
    pub expires: u32,
    pub form: Form,
}

impl Request {
    pub(super) fn get(
        service: &'static str,
        host: &str,
        query: &[(&str, &str)],
        form: Form,
    ) -> Self {
        let mut url = format!("https://{host}/");
        for (index, (name, value)) in query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.push_str(&query_value(value)); // as `SigV4` wants it
        }
        Self {
            method: "GET",
            service,
            url,
            host: host.trim_end_matches(":443").to_ascii_lowercase(),
            header: None,
            expires: 900,
            form,
        }
    }

    /// The URL with the signature.
    pub(super) fn signed(
        &self,
        region: &str,
        credentials: &Credentials,
        now: Millis,
    ) -> Result<String, Failure> {
        self.try_sign(region, credentials, now).map_err(|_| {
            Failure::configuration(
                format!(
                    "A request to {} cannot be signed with these credentials and words.",
                    self.service
                ),
                "Check that the words and the credentials hold no control characters.",
            )
        })
    }

    fn try_sign(
        &self,
        region: &str,
        credentials: &Credentials,
        now: Millis,
    ) -> Result<String, Box<dyn Error + Send + Sync>> {
        let identity = signing_keys(credentials).into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(self.expires.into()));
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(now.try_into()?);
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(self.service)
            .time(at)
            .settings(settings)
            .build()?
            .into();
        let headers = [
            Some(("host", self.host.as_str())),
            self.header
                .as_ref()
                .map(|(name, value)| (*name, value.as_str())),
        ];
        let headers = headers.into_iter().flatten();
        let signable =
            SignableRequest::new(self.method, &self.url, headers, SignableBody::Bytes(&[]))?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        let mut request = http::Request::builder().uri(&self.url).body(())?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request.uri().to_string())
    }
}

/// How a signed URL becomes a token.
#[derive(Clone, Copy)]
pub(super) enum Form {
    WithoutScheme,
    Eks,
    Msk,
    Bedrock,
}

impl Form {
    pub(super) fn of(self, url: &str) -> String {
        let bare = url.trim_start_matches("https://");
        match self {
            Self::WithoutScheme => bare.to_owned(),
            Self::Eks => format!("k8s-aws-v1.{}", url_safe(url)),
            Self::Msk => {
                const USER_AGENT: &str =
                    concat!("&User-Agent=lex-identity-aws%2F", env!("CARGO_PKG_VERSION"));
                url_safe(&format!("{url}{USER_AGENT}"))
            }
            Self::Bedrock => format!(
                "bedrock-api-key-{}",
                base64::encode(format!("{bare}&Version=1"))
            ),
        }
    }
}

/// Base64 for URLs, without padding.
fn url_safe(text: &str) -> String {
    base64::encode(text)
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_")
}
