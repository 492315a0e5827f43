//! `GetScopedCredentials`: credentials of the same identity that may do less.
//!
//! aws-sdk-sts 1.124.0 does not have it. The request and the answer are those of botocore 1.44.8's model.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html>

use super::{
    Sts,
    client::{add_token_details, credentials},
    errors::about_keys,
    limits,
    query::VERSION,
};
use crate::{
    credentials::{Credentials, Secret},
    failure::Failure,
};
use aws_smithy_query::QueryWriter;
use aws_smithy_types::{DateTime, Number, date_time::Format};
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use std::collections::BTreeMap;

const CALL: &str = "GetScopedCredentials";

/// How often a session can be scoped with a policy.
pub const MOST_SCOPES: u32 = 3;
/// The detail of credentials that says how often they were.
pub const SCOPES: &str = "scoped_policies_count";

/// How the credentials of the source are limited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// IAM policy, JSON. What it and the source both allow is allowed.
    pub policy: String,
    /// The longest life.
    pub duration_seconds: Option<u32>,
    /// For CloudTrail.
    pub description: Option<String>,
    /// The least size of the session token, in bytes.
    pub minimum_session_token_size: Option<u32>,
}

impl Scope {
    /// Refuses what STS would refuse.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let Self {
            policy,
            duration_seconds,
            description,
            minimum_session_token_size,
        } = self;
        limits::policy(policy)?;
        if let Some(seconds) = duration_seconds {
            limits::seconds(
                "scope_duration",
                u64::from(*seconds),
                limits::SCOPED_SECONDS,
            )?;
        }
        if let Some(text) = description {
            limits::scope_description(text)?;
        }
        minimum_session_token_size.map_or(Ok(()), limits::minimum_session_token_size)
    }

    fn body(&self, duration_seconds: Option<u32>) -> String {
        let Self {
            policy,
            duration_seconds: _, // the caller has decided about it
            description,
            minimum_session_token_size,
        } = self;
        let mut body = String::new();
        let mut writer = QueryWriter::new(&mut body, CALL, VERSION);
        writer.prefix("Policy").string(policy);
        let numbers = [
            ("DurationSeconds", duration_seconds),
            ("MinimumSessionTokenSize", *minimum_session_token_size),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                writer.prefix(name).number(Number::PosInt(number.into()));
            }
        }
        if let Some(text) = description {
            writer.prefix("ScopedSessionDescription").string(text);
        }
        writer.finish();
        body
    }
}

impl Sts<'_> {
    /// Credentials of the owner of `keys`, limited by `scope`. Without `duration_seconds` they expire with
    /// `keys`; STS refuses one that is longer.
    pub async fn scoped_credentials(
        &self,
        keys: &Credentials,
        scope: &Scope,
        duration_seconds: Option<u32>,
    ) -> Result<Credentials, Failure> {
        let answer = self
            .query(CALL, keys, scope.body(duration_seconds), read)
            .await
            .map_err(|failure| about_keys(about_scope(failure), keys))?;
        let details = answer.details();
        let issued = answer.credentials();
        let seconds = duration_seconds.unwrap_or_default();
        let mut scoped = credentials(issued, CALL, seconds, details)?;
        if duration_seconds.is_none() {
            scoped.requested = None; // the source decided
        }
        scoped.account_id = answer
            .text("Arn")
            .and_then(|arn| arn.split(':').nth(4))
            .map(str::to_owned);
        Ok(scoped)
    }
}

/// The texts of an answer by the names of their elements.
#[derive(Debug, Default)]
struct Answer(BTreeMap<&'static str, Secret>);

impl Answer {
    const ELEMENTS: [&'static str; 9] = [
        "AccessKeyId",
        "SecretAccessKey",
        "SessionToken",
        "Expiration",
        "Arn",
        "SessionTokenSize",
        "SessionTokenUtilization",
        "ScopedPoliciesCount",
        "SourceIdentity",
    ];

    fn take(&mut self, element: &mut ScopedDecoder<'_, '_>) -> Result<(), XmlDecodeError> {
        let known = Self::ELEMENTS
            .into_iter()
            .find(|name| element.start_el().matches(name));
        if let Some(name) = known {
            let text = Secret::new(try_data(element)?);
            self.0.insert(name, text);
        }
        Ok(())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::expose)
    }

    fn number(&self, name: &str) -> Option<i32> {
        self.text(name)?.parse().ok()
    }

    fn credentials(&self) -> Option<aws_sdk_sts::types::Credentials> {
        let expiration =
            DateTime::from_str(self.text("Expiration")?, Format::DateTimeWithOffset).ok()?;
        aws_sdk_sts::types::Credentials::builder()
            .access_key_id(self.text("AccessKeyId")?)
            .secret_access_key(self.text("SecretAccessKey")?)
            .session_token(self.text("SessionToken")?)
            .expiration(expiration)
            .build()
            .ok()
    }

    fn details(&self) -> BTreeMap<String, String> {
        let mut details = BTreeMap::new();
        add_token_details(
            &mut details,
            self.number("SessionTokenSize"),
            self.number("SessionTokenUtilization"),
        );
        let texts = [
            ("arn", "Arn"),
            (SCOPES, "ScopedPoliciesCount"),
            ("source_identity", "SourceIdentity"),
        ];
        for (detail, name) in texts {
            if let Some(text) = self.text(name) {
                details.insert(detail.to_owned(), text.to_owned());
            }
        }
        details
    }
}

fn read(body: &[u8]) -> Result<Answer, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut root = document.root_element()?;
    if !root.start_el().matches("GetScopedCredentialsResponse") {
        return Err(XmlDecodeError::custom("the answer of another call"));
    }
    let mut answer = Answer::default();
    while let Some(mut result) = root.next_tag() {
        if !result.start_el().matches("GetScopedCredentialsResult") {
            continue;
        }
        while let Some(mut element) = result.next_tag() {
            match element.start_el().local() {
                "Credentials" | "SessionInfo" => {
                    while let Some(mut member) = element.next_tag() {
                        answer.take(&mut member)?;
                    }
                }
                _ => answer.take(&mut element)?,
            }
        }
    }
    Ok(answer)
}

/// The failure with what to do about it, where that is another thing than for a role.
fn about_scope(mut failure: Failure) -> Failure {
    let code = failure.code.as_deref().unwrap_or_default();
    let remedy = match code.strip_suffix("Exception").unwrap_or(code) {
        "AccessDenied" => {
            "A policy of the caller must allow sts:GetScopedCredentials. STS also refuses a session that has three scope policies already."
        }
        "MalformedPolicyDocument" => "Check the policy (scope_policy): it must be an IAM policy.",
        "PackedPolicyTooLarge" => {
            "Shorten the policy (scope_policy): it adds to the policies and tags that the session has."
        }
        "ValidationError" => {
            "STS takes up to 2048 characters of policy (scope_policy) and up to 256 of description."
        }
        "InvalidAction" => {
            "This endpoint does not know the call. Use the regional endpoint of AWS."
        }
        _ => return failure,
    };
    remedy.clone_into(&mut failure.remedy);
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    fn scope() -> Scope {
        Scope {
            policy: r#"{"Statement":[]}"#.into(),
            duration_seconds: Some(900),
            description: None,
            minimum_session_token_size: None,
        }
    }

    #[test]
    fn the_request_has_what_was_asked_for_and_no_more() {
        let start =
            "Action=GetScopedCredentials&Version=2011-06-15&Policy=%7B%22Statement%22%3A%5B%5D%7D";
        assert_eq!(scope().body(None), start);
        assert_eq!(
            scope().body(Some(60)),
            format!("{start}&DurationSeconds=60")
        );
        let full = Scope {
            description: Some("a b".into()),
            minimum_session_token_size: Some(100),
            ..scope()
        };
        assert_eq!(
            full.body(None),
            format!("{start}&MinimumSessionTokenSize=100&ScopedSessionDescription=a%20b")
        );
    }

    #[test]
    fn what_sts_does_not_take_is_refused_here() {
        assert_eq!(scope().check(), Ok(()));
        let with = |change: fn(&mut Scope)| {
            let mut bad = scope();
            change(&mut bad);
            bad.check().expect_err("refused").message()
        };
        for (said, message) in [
            ("1 to 129600", with(|it| it.duration_seconds = Some(0))),
            ("129601", with(|it| it.duration_seconds = Some(129_601))),
            ("2 and more", with(|it| it.description = Some("a".into()))),
            ("Latin-1", with(|it| it.description = Some("a€".into()))),
            ("policy has 0", with(|it| it.policy.clear())),
            (
                "0 to 4096",
                with(|it| it.minimum_session_token_size = Some(5000)),
            ),
        ] {
            assert!(message.contains(said), "{message}");
        }
    }

    #[test]
    fn an_answer_is_read_whatever_else_is_in_it() {
        let text = "<GetScopedCredentialsResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><New><a/></New>\
            <GetScopedCredentialsResult><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s&amp;</SecretAccessKey>\
            <SessionToken>canary</SessionToken><Expiration>2026-11-29T01:00:00Z</Expiration><More>1</More></Credentials>\
            <SessionInfo><ScopedSessionId>AROA:x</ScopedSessionId><Arn>arn:aws:sts::123456789012:assumed-role/r/x</Arn></SessionInfo>\
            <ScopedPoliciesCount>2</ScopedPoliciesCount><Later><Arn>x</Arn></Later></GetScopedCredentialsResult>\
            <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetScopedCredentialsResponse>";
        let answer = read(text.as_bytes()).unwrap();
        let issued = answer.credentials().unwrap();
        assert_eq!(
            (issued.access_key_id(), issued.secret_access_key()),
            ("ASIA1", "s&")
        );
        assert_eq!(answer.details()[SCOPES], "2");
        assert_eq!(
            answer.text("Arn"),
            Some("arn:aws:sts::123456789012:assumed-role/r/x")
        );
        assert!(!format!("{answer:?}").contains("canary"));
        assert!(read(b"<GetSessionTokenResponse/>").is_err());
        let empty = read(b"<GetScopedCredentialsResponse/>").unwrap();
        assert!(empty.credentials().is_none());
    }

    #[test]
    fn a_refusal_says_what_a_scoped_session_can_do_about_it() {
        let said = |code: &str| {
            let mut refused = Failure::new(Kind::AccessDenied, "no.", "?");
            refused.code = Some(code.to_owned());
            about_scope(refused).remedy
        };
        assert!(said("AccessDenied").contains("three scope policies"));
        assert!(said("MalformedPolicyDocumentException").contains("scope_policy"));
        assert_eq!(said("Throttling"), "?");
    }
}
