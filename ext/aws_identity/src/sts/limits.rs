//! What STS accepts, checked before a request is sent.
//!
//! Source of every limit: the STS API Reference, "Constraints" of `AssumeRole`,
//! `AssumeRoleWithWebIdentity` and `GetSessionToken`. Characters, minima, counts and durations are
//! checked here. The longest texts are left to STS, which has raised such limits (`SourceIdentity`,
//! `Policy`, `ContextAssertion`): a limit of ours would refuse what STS takes.

use crate::{credentials::Secret, failure::Failure};

/// Seconds a role session lasts where the caller does not say.
pub const DEFAULT_ROLE_SECONDS: u32 = 3600;
/// How long credentials of `GetSessionToken` live if the request does not say.
pub const DEFAULT_SESSION_SECONDS: u32 = 43_200;
/// Seconds a role session may last.
pub const ROLE_SECONDS: (u64, u64) = (900, 43_200);
/// Seconds a token of `GetWebIdentityToken` may last.
pub const IDENTITY_TOKEN_SECONDS: (u32, u32) = (60, 3600);
/// Seconds scoped credentials may last.
pub const SCOPED_SECONDS: (u64, u64) = (1, 129_600);
/// Seconds the credentials of `GetSessionToken` may last.
pub const SESSION_TOKEN_SECONDS: (u64, u64) = (900, 129_600);

/// Bytes that a session token may be asked to have at least.
const MOST_TOKEN_BYTES: u32 = 4096;

const SESSION_NAME: &str = "_+=,.@-";
const EXTERNAL_ID: &str = "_+=,.@:/-";
const SERIAL_NUMBER: &str = "_+=/:,.@-";

const TAKE_IT_OUT: &str = "Take that character out.";

/// `value` of `option`, if it is a whole number of seconds inside `limits`.
pub fn seconds(option: &str, value: u64, limits: (u64, u64)) -> Result<u32, Failure> {
    let (least, most) = limits;
    if (least..=most).contains(&value)
        && let Ok(seconds) = u32::try_from(value)
    {
        return Ok(seconds);
    }
    Err(Failure::configuration(
        format!("{option} is {value} seconds; STS takes {least} to {most}."),
        "Give a number in that range.",
    ))
}

pub fn minimum_session_token_size(bytes: u32) -> Result<(), Failure> {
    if bytes <= MOST_TOKEN_BYTES {
        return Ok(());
    }
    Err(Failure::configuration(
        format!("minimum_session_token_size is {bytes} bytes; STS takes 0 to {MOST_TOKEN_BYTES}."),
        "Give a number in that range.",
    ))
}

pub fn session_name(option: &str, value: &str) -> Result<(), Failure> {
    characters(option, value, 2, SESSION_NAME)
}

pub fn source_identity(value: &str) -> Result<(), Failure> {
    characters("source_identity", value, 2, SESSION_NAME)
}

pub fn external_id(value: &str) -> Result<(), Failure> {
    characters("external_id", value, 2, EXTERNAL_ID)
}

pub fn serial_number(option: &str, value: &str) -> Result<(), Failure> {
    characters(option, value, 9, SERIAL_NUMBER)
}

/// Six digits. The message never has the code itself.
pub fn token_code(value: &str) -> Result<(), Failure> {
    if value.len() == 6 && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Failure::configuration(
        format!(
            "The MFA code has {} characters; STS takes exactly six digits.",
            value.chars().count()
        ),
        "Read the code your device shows now, and try again.",
    ))
}

/// The inline session policy: 1 character and more.
pub fn policy(value: &str) -> Result<(), Failure> {
    at_least("policy", value, 1)
}

/// The description of a scoped session: Latin-1 text of 2 characters and more.
pub fn scope_description(value: &str) -> Result<(), Failure> {
    let option = "scope_description";
    at_least(option, value, 2)?;
    match value
        .chars()
        .find(|c| !matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}'))
    {
        None => Ok(()),
        Some(stranger) => Err(Failure::configuration(
            format!("{option} holds {stranger:?}; STS takes the printable characters of Latin-1."),
            TAKE_IT_OUT,
        )),
    }
}

pub fn web_identity_token(option: &str, value: &str) -> Result<(), Failure> {
    at_least(option, value, 4)?;
    if value.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(Failure::configuration(
            format!("{option} holds control characters; a token is one line of text."),
            "Check what writes it.",
        ));
    }
    Ok(())
}

pub fn provider_id(value: &str) -> Result<(), Failure> {
    at_least("provider_id", value, 4)
}

/// `arn:<partition>:iam::<account>:role[/path]/<name>`.
pub fn role_arn(option: &str, value: &str) -> Result<(), Failure> {
    let parts: Vec<&str> = value.splitn(6, ':').collect();
    let ok = matches!(parts.as_slice(), ["arn", partition, "iam", "", account, resource]
        if partition.starts_with("aws")
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.ends_with('/')));
    if ok && value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Failure::configuration(
        format!("{option} is {value:?}, which is not the ARN of a role."),
        "Write it like arn:aws:iam::123456789012:role/my-role.",
    ))
}

/// ARNs of managed policies, at most ten.
pub fn policy_arns(values: &[String]) -> Result<(), Failure> {
    count("policy_arns", values.len(), 10)?;
    for arn in values {
        let is_policy = arn.starts_with("arn:aws") && arn.contains(":policy/");
        if !is_policy || arn.len() < 20 {
            return Err(Failure::configuration(
                format!("policy_arns holds {arn:?}, which is not the ARN of a managed policy."),
                "Write it like arn:aws:iam::aws:policy/ReadOnlyAccess.",
            ));
        }
    }
    Ok(())
}

/// Session tags: at most 50, keys of 1 character and more, no key twice in any case.
pub fn tags(tags: &[(String, String)]) -> Result<(), Failure> {
    claims(tags.len(), tags.iter().map(|(key, value)| (key, value)))?;
    let mut seen = Vec::with_capacity(tags.len());
    for (key, _) in tags {
        let folded = key.to_lowercase();
        if seen.contains(&folded) {
            return Err(Failure::configuration(
                format!("tags holds the key {key:?} twice; STS does not tell keys apart by case."),
                "Keep one.",
            ));
        }
        seen.push(folded);
    }
    Ok(())
}

/// Tags that become claims of a token: at most 50, keys of 1 character and more.
pub fn claims<'a>(
    number: usize,
    tags: impl Iterator<Item = (&'a String, &'a String)>,
) -> Result<(), Failure> {
    count("tags", number, 50)?;
    for (key, value) in tags {
        tag_text("tags", "key", key, 1)?;
        tag_text("tags", &format!("value of {key:?}"), value, 0)?;
    }
    Ok(())
}

pub fn transitive_tag_keys(keys: &[String]) -> Result<(), Failure> {
    count("transitive_tag_keys", keys.len(), 50)?;
    keys.iter()
        .try_for_each(|key| tag_text("transitive_tag_keys", "key", key, 1))
}

/// Assertions of a trusted provider, at most five.
pub fn provided_contexts(contexts: &[(String, Secret)]) -> Result<(), Failure> {
    count("provided_contexts", contexts.len(), 5)?;
    for (arn, assertion) in contexts {
        at_least("provided_contexts provider_arn", arn, 20)?;
        at_least("provided_contexts context_assertion", assertion.expose(), 4)?;
    }
    Ok(())
}

fn count(option: &str, count: usize, most: usize) -> Result<(), Failure> {
    if count <= most {
        return Ok(());
    }
    Err(Failure::configuration(
        format!("{option} has {count} entries; STS takes at most {most}."),
        "Give fewer.",
    ))
}

fn at_least(option: &str, value: &str, least: usize) -> Result<(), Failure> {
    let length = value.chars().count();
    if length >= least {
        return Ok(());
    }
    Err(Failure::configuration(
        format!("{option} has {length} characters; STS takes {least} and more."),
        "Correct its length.",
    ))
}

fn characters(option: &str, value: &str, least: usize, beside: &str) -> Result<(), Failure> {
    at_least(option, value, least)?;
    match value
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !beside.contains(*c))
    {
        None => Ok(()),
        Some(stranger) => Err(Failure::configuration(
            format!(
                "{option} holds {stranger:?}; STS takes letters, digits and any of \"{beside}\"."
            ),
            TAKE_IT_OUT,
        )),
    }
}

fn tag_text(option: &str, part: &str, value: &str, least: usize) -> Result<(), Failure> {
    at_least(&format!("{option}: a {part}"), value, least)?;
    match value
        .chars()
        .find(|c| !c.is_alphanumeric() && *c != ' ' && !"_.:/=+-@".contains(*c))
    {
        None => Ok(()),
        Some(stranger) => Err(Failure::configuration(
            format!(
                "{option}: a {part} holds {stranger:?}; STS takes letters, digits, spaces and any of \"_.:/=+-@\"."
            ),
            TAKE_IT_OUT,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_names_the_option_the_limit_and_the_value() {
        let text = |result: Result<(), Failure>| {
            let failure = result.unwrap_err();
            assert!(!failure.remedy.is_empty(), "{failure}");
            failure.cause
        };
        assert_eq!(
            seconds("session_duration", 60, ROLE_SECONDS)
                .unwrap_err()
                .cause,
            "session_duration is 60 seconds; STS takes 900 to 43200."
        );
        assert_eq!(
            text(session_name("role_session_name", "a b")),
            "role_session_name holds ' '; STS takes letters, digits and any of \"_+=,.@-\"."
        );
        assert_eq!(
            text(session_name("role_session_name", "a")),
            "role_session_name has 1 characters; STS takes 2 and more."
        );
        assert!(text(external_id("a*")).starts_with("external_id holds '*'"));
        assert!(text(serial_number("serial_number", "short")).contains("9 and more"));
        assert!(
            text(role_arn("role_arn", "arn:aws:iam::12:role/x")).contains("not the ARN of a role")
        );
        assert!(
            text(role_arn(
                "role_arn",
                "arn:aws:sts::123456789012:assumed-role/x/y"
            ))
            .contains("role_arn")
        );
        assert!(text(policy("")).contains("0 characters"));
        assert!(text(minimum_session_token_size(4097)).contains("0 to 4096"));
        assert!(text(policy_arns(&["arn:aws:s3:::b".into()])).contains("managed policy"));
        assert!(
            text(policy_arns(&vec![
                "arn:aws:iam::aws:policy/ReadOnlyAccess"
                    .to_owned();
                11
            ]))
            .contains("at most 10")
        );
        assert!(
            text(tags(&[("A".into(), "1".into()), ("a".into(), "2".into())])).contains("twice")
        );
        assert!(text(tags(&[("k\n".into(), "v".into())])).contains("key holds"));
        assert!(text(transitive_tag_keys(&vec![String::from("k"); 51])).contains("at most 50"));
        assert!(
            text(provided_contexts(&vec![
                (String::new(), Secret::new(""));
                6
            ]))
            .contains("at most 5")
        );
        assert!(text(provider_id("abc")).contains("4 and more"));
    }

    #[test]
    fn secrets_are_measured_but_never_shown() {
        for message in [
            token_code("12345canary").unwrap_err().message(),
            web_identity_token("web_identity_token", "canary\u{0}")
                .unwrap_err()
                .message(),
        ] {
            assert!(!message.contains("canary"), "{message}");
        }
        assert!(token_code("123456").is_ok());
    }

    #[test]
    fn the_longest_texts_are_left_to_sts() {
        let long = "x".repeat(70_000);
        for taken in [
            session_name("role_session_name", &long),
            source_identity(&long),
            external_id(&long),
            serial_number("serial_number", &long),
            policy(&long),
            provider_id(&long),
            web_identity_token("web_identity_token", &long),
            tags(&[(long.clone(), long.clone())]),
            transitive_tag_keys(std::slice::from_ref(&long)),
            policy_arns(&[format!("arn:aws:iam::aws:policy/{long}")]),
            role_arn(
                "role_arn",
                &format!("arn:aws:iam::123456789012:role/{long}"),
            ),
            provided_contexts(&[(long.clone(), Secret::new(long.clone()))]),
        ] {
            assert!(taken.is_ok(), "{taken:?}");
        }
        assert!(minimum_session_token_size(4096).is_ok());
    }

    #[test]
    fn role_arns_of_every_partition_and_path_pass() {
        for arn in [
            "arn:aws:iam::123456789012:role/r",
            "arn:aws-cn:iam::123456789012:role/team/x/r",
            "arn:aws-us-gov:iam::123456789012:role/r",
            "arn:aws-iso-b:iam::123456789012:role/r",
        ] {
            assert!(role_arn("role_arn", arn).is_ok(), "{arn}");
        }
    }
}
