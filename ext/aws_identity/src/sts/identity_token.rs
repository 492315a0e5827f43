//! `GetWebIdentityToken`: a JSON Web Token, signed by AWS, that says who the caller is.

use super::{Sts, client::number, errors::about_keys, limits};
use crate::{
    credentials::{Credentials, Millis, Secret},
    failure::{Failure, Kind},
    util::iam_policy::allowing,
};
use aws_sdk_sts::types::Tag;
use std::collections::{BTreeMap, BTreeSet};

/// What a token is to say, and for how long. Equal requests get the same token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdentityTokenRequest {
    /// The systems that take the token: the claim `aud`.
    pub audience: BTreeSet<String>,
    /// The longest life, in seconds.
    pub duration_seconds: u32,
    /// `RS256` or `ES384`.
    pub signing_algorithm: String,
    /// Claims of the caller's own.
    pub tags: BTreeMap<String, String>,
}

/// A token as STS issued it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityToken {
    pub text: Secret,
    pub expires_at: Millis,
    /// How far STS's clock is ahead of this machine's, if its answer said.
    pub clock_offset: Option<Millis>,
}

impl IdentityTokenRequest {
    /// # Errors
    /// `Kind::Argument` for what STS does not take.
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html>
    pub fn check(&self) -> Result<(), Failure> {
        const ALGORITHMS: [&str; 2] = ["RS256", "ES384"];
        const AUDIENCES: usize = 10;
        let refuse = |cause: String, remedy: &str| Err(Failure::new(Kind::Argument, cause, remedy));
        let count = self.audience.len();
        if count == 0
            || count > AUDIENCES
            || self.audience.iter().any(|name| name.trim().is_empty())
        {
            return refuse(
                format!(
                    "audience has {count} names; STS takes 1 to {AUDIENCES}, none of them blank."
                ),
                "Name the system that takes the token, as that system asks for it.",
            );
        }
        if !(limits::IDENTITY_TOKEN_SECONDS.0..=limits::IDENTITY_TOKEN_SECONDS.1)
            .contains(&self.duration_seconds)
        {
            let (least, most) = limits::IDENTITY_TOKEN_SECONDS;
            return refuse(
                format!(
                    "duration_seconds is {}; STS takes {least} to {most}.",
                    self.duration_seconds
                ),
                "Give a number in that range.",
            );
        }
        if !ALGORITHMS.contains(&self.signing_algorithm.as_str()) {
            return refuse(
                format!("signing_algorithm is {:?}.", self.signing_algorithm),
                "STS signs with RS256 or ES384.",
            );
        }
        limits::claims(self.tags.len(), self.tags.iter()).map_err(|failure| Failure {
            kind: Kind::Argument,
            ..failure
        })
    }
}

impl Sts<'_> {
    /// A token that says who the owner of `keys` is, good for `duration_seconds`.
    pub async fn identity_token(
        &self,
        keys: &Credentials,
        request: &IdentityTokenRequest,
        duration_seconds: u32,
    ) -> Result<IdentityToken, Failure> {
        const CALL: &str = "GetWebIdentityToken";
        let tags = request
            .tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Failure::new(Kind::Argument, format!("tags: {error}."), ""))?;
        let reply = self
            .signing_client(keys, None)
            .await?
            .get_web_identity_token()
            .set_audience(Some(request.audience.iter().cloned().collect()))
            .set_duration_seconds(number(Some(duration_seconds)))
            .signing_algorithm(&request.signing_algorithm)
            .set_tags((!tags.is_empty()).then_some(tags))
            .send()
            .await
            .map_err(|error| about_keys(self.failure(CALL, "", &error), keys))
            .map_err(|failure| about_token(failure, request))?;
        match (reply.web_identity_token, reply.expiration) {
            (Some(text), Some(expiration)) if is_token(&text) => Ok(IdentityToken {
                text: Secret::new(text),
                expires_at: expiration.to_millis().unwrap_or_default(),
                clock_offset: None,
            }),
            _ => Err(Failure::new(
                Kind::Service,
                format!("STS answered {CALL} without a usable token."),
                "Whatever answers at the endpoint is not STS, or does not know the call; check it.",
            )),
        }
    }
}

/// True for what can be a header or a password: one line of printable characters.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The failure with what to do about it, where that is another thing than for a role: the permission that a refused caller
/// lacks.
fn about_token(mut failure: Failure, request: &IdentityTokenRequest) -> Failure {
    match failure.code.as_deref() {
        Some("AccessDenied") => {
            let actions: &[&str] = if request.tags.is_empty() {
                &["sts:GetWebIdentityToken"]
            } else {
                &["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"]
            };
            failure.remedy = format!(
                "A policy of the caller must allow it: {}. docs/tokens.md limits it to an audience.",
                allowing(actions)
            );
        }
        Some("ValidationError") => {
            "Check the audience and the tags, and their lengths.".clone_into(&mut failure.remedy);
        }
        _ => {}
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> IdentityTokenRequest {
        IdentityTokenRequest {
            audience: ["https://vault.example".to_owned()].into(),
            duration_seconds: 300,
            signing_algorithm: "RS256".to_owned(),
            tags: BTreeMap::new(),
        }
    }

    #[test]
    fn what_sts_does_not_take_is_refused_here() {
        assert_eq!(request().check(), Ok(()));
        let mut longest = request();
        longest.audience.insert("ü".repeat(1000));
        longest.tags = [("team", "a"), ("Team", "")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        assert_eq!(longest.check(), Ok(()));
        let mut many = request();
        many.audience = (0..11).map(|number| format!("a{number}")).collect();
        let mut blank = request();
        blank.audience.insert(" ".to_owned());
        let mut none = request();
        none.audience.clear();
        let mut short = request();
        short.duration_seconds = 59;
        let mut long = request();
        long.duration_seconds = 3601;
        let mut algorithm = request();
        algorithm.signing_algorithm = "HS256".to_owned();
        let mut tag = request();
        tag.tags.insert("team".to_owned(), "a;b".to_owned());
        for (bad, said) in [
            (many, "audience has 11 names"),
            (blank, "none of them blank"),
            (none, "audience has 0 names"),
            (short, "60 to 3600"),
            (long, "duration_seconds is 3601"),
            (algorithm, "signing_algorithm is \"HS256\""),
            (tag, "holds ';'"),
        ] {
            let failure = bad.check().expect_err("refused");
            assert_eq!(failure.kind, Kind::Argument);
            assert!(failure.message().contains(said), "{}", failure.message());
        }
    }

    #[test]
    fn a_refusal_names_the_action() {
        let mut refused = Failure::new(Kind::AccessDenied, "no.", "?");
        refused.code = Some("AccessDenied".to_owned());
        let mut tagged = request();
        tagged.tags.insert("team".to_owned(), "a".to_owned());
        assert!(
            about_token(refused.clone(), &request())
                .remedy
                .contains(r#""Action":"sts:GetWebIdentityToken","Resource":"*""#)
        );
        assert!(
            about_token(refused, &tagged)
                .remedy
                .contains("sts:TagGetWebIdentityToken")
        );
    }
}
