//! Tokens that are a presigned request: signed here with the held credentials, sent by no one or by
//! the system that gets it.

use super::{
    Token,
    recipes::{RECIPES, Recipe, Takes},
};
use crate::{
    config::region,
    credentials::{Credentials, Millis, Secret},
    failure::{Failure, Kind},
    util::did_you_mean::nearest,
};
use aws_credential_types::Credentials as SigningKeys;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_types::base64;
use serde_json::{Map, Value};
use std::{
    error::Error,
    fmt::Write,
    time::{Duration, SystemTime},
};

/// Where a token is for, and who signs it.
pub struct Place<'a> {
    pub region: &'a str,
    pub use_fips: bool,
}

/// A token of `kind` with its `words`, signed at `now` with `credentials`.
///
/// # Errors
/// `Kind::Argument` for an unknown kind and for words that are unknown, missing or of another type.
pub fn token(
    kind: &str,
    words: &Map<String, Value>,
    place: &Place<'_>,
    credentials: &Credentials,
    now: Millis,
) -> Result<Token, Failure> {
    let recipe = recipe(kind)?;
    check(recipe, words)?;
    region::check_region("region", place.region)?;
    let words = Words { recipe, words };
    let request = (recipe.request)(&words, place)?;
    let url = request.signed(place.region, credentials, now)?;
    let lifetime = words.number("duration_seconds").unwrap_or(recipe.lifetime);
    let vendors_end = now.saturating_add(Millis::from(lifetime) * 1000);
    Ok(Token {
        text: Secret::new(request.form.of(&url)),
        expires_at: credentials
            .expires_at
            .map_or(vendors_end, |end| end.min(vendors_end)),
        kind: recipe.kind,
    })
}

fn recipe(kind: &str) -> Result<&'static Recipe, Failure> {
    let kinds = || RECIPES.iter().map(|recipe| recipe.kind);
    RECIPES
        .iter()
        .find(|recipe| recipe.kind == kind)
        .ok_or_else(|| {
            let remedy = nearest(kind, kinds()).map_or_else(
                || format!("There is {}.", kinds().collect::<Vec<_>>().join(", ")),
                |near| format!("Did you mean {near}?"),
            );
            argument(format!("There is no token of kind {kind:?}."), remedy)
        })
}

fn argument(cause: String, remedy: impl Into<String>) -> Failure {
    Failure::new(Kind::Argument, cause, remedy)
}

/// Checks that every word is one of the recipe, of its type, and that none is missing.
fn check(recipe: &Recipe, words: &Map<String, Value>) -> Result<(), Failure> {
    let kind = recipe.kind;
    let names = || recipe.words.iter().map(|word| word.name);
    for (name, value) in words {
        let Some(word) = recipe.words.iter().find(|word| word.name == name) else {
            let remedy = match nearest(name, names()) {
                Some(near) => format!("Did you mean {near}?"),
                None if recipe.words.is_empty() => "It takes region alone.".to_owned(),
                None => format!("It takes {}.", names().collect::<Vec<_>>().join(", ")),
            };
            return Err(argument(
                format!("A token of kind {kind} takes no {name:?}."),
                remedy,
            ));
        };
        let (fits, wanted) = match word.takes {
            Takes::Text => (
                value.as_str().is_some_and(|text| !text.trim().is_empty()),
                "a text".to_owned(),
            ),
            Takes::Flag => (value.is_boolean(), "true or false".to_owned()),
            Takes::Number(most) => (
                value
                    .as_u64()
                    .is_some_and(|number| (1..=u64::from(most)).contains(&number)),
                format!("an Integer from 1 to {most}"),
            ),
        };
        if !fits && !(value.is_null() && !word.is_required) {
            return Err(argument(
                format!("{name} of a token of kind {kind} is not what it takes."),
                format!("It takes {wanted}."),
            ));
        }
    }
    match recipe
        .words
        .iter()
        .find(|word| word.is_required && !words.contains_key(word.name))
    {
        Some(word) => Err(argument(
            format!("A token of kind {kind} needs {}.", word.name),
            format!("Give {}.", word.name),
        )),
        None => Ok(()),
    }
}

/// The checked words of a token.
pub(super) struct Words<'a> {
    recipe: &'a Recipe,
    words: &'a Map<String, Value>,
}

impl Words<'_> {
    pub(super) fn text(&self, name: &str) -> &str {
        let text = self.words.get(name).and_then(Value::as_str);
        text.unwrap_or_default().trim()
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        let number = self.words.get(name)?.as_u64()?;
        u32::try_from(number).ok()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.words.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// A text that is a host name or an address, and nothing beside it.
    pub(super) fn host(&self, name: &str) -> Result<String, Failure> {
        let host = self.text(name);
        let is_host = host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        if is_host {
            return Ok(host.to_owned());
        }
        Err(argument(
            format!(
                "{name} of a token of kind {} is no host name.",
                self.recipe.kind
            ),
            "Give the name alone, without scheme, port and path.",
        ))
    }
}

/// What is signed.
pub(super) struct Request {
    pub method: &'static str,
    service: &'static str,
    url: String,
    /// As botocore signs it: in lower case, without the default port.
    host: String,
    pub header: Option<(&'static str, String)>,
    /// `X-Amz-Expires`, in seconds.
    pub expires: u32,
    form: Form,
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
            percent_encode(value, &mut url);
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
    fn signed(
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
        let keys = SigningKeys::new(
            &credentials.access_key_id,
            credentials.secret_access_key.expose(),
            credentials
                .session_token
                .as_ref()
                .map(|token| token.expose().to_owned()),
            None,
            "lex-identity-aws",
        );
        let identity = keys.into();
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
    fn of(self, url: &str) -> String {
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

/// Every byte that is not unreserved, as SigV4 wants it (RFC 3986, section 2.3).
fn percent_encode(text: &str, url: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}"); // a String takes every write
        }
    }
}

#[cfg(test)]
mod tests;
