//! The published constraints of each parameter of STS, and AWS's message when one is violated.

use crate::arn::Arn;
use crate::failure::Failure;
use std::collections::{BTreeMap, BTreeSet};

type Params = BTreeMap<String, String>;

const NAME: &str = r"[\w+=,.@-]*";
const EXTERNAL_ID: &str = r"[\w+=,.@:\/-]*";
const SERIAL: &str = r"[\w+=/:,.@-]*";
const DIGITS: &str = r"[\d]*";
const ANY: &str = "";

/// Collects all violations, since AWS reports them together.
struct Checks<'a> {
    params: &'a Params,
    errors: Vec<String>,
}

impl Checks<'_> {
    fn fail(&mut self, value: &str, name: &str, constraint: &str) {
        // AWS writes the member with a lower-case first letter.
        let name = name.char_indices().map(|(at, c)| if at == 0 { c.to_ascii_lowercase() } else { c }).collect::<String>();
        self.errors.push(format!("Value {value} at '{name}' failed to satisfy constraint: Member must {constraint}"));
    }

    fn required(&mut self, name: &str) {
        if !self.params.contains_key(name) {
            self.fail("null", name, "not be null");
        }
    }

    fn text(&mut self, name: &str, min: usize, max: usize, pattern: &str) {
        let Some(value) = self.params.get(name) else {
            return;
        };
        let (quoted, length) = (format!("'{value}'"), value.chars().count());
        if length < min {
            self.fail(&quoted, name, &format!("have length greater than or equal to {min}"));
        }
        if length > max {
            self.fail(&quoted, name, &format!("have length less than or equal to {max}"));
        }
        if !value.chars().all(|c| allowed(pattern, c)) {
            self.fail(&quoted, name, &format!("satisfy regular expression pattern: {pattern}"));
        }
    }

    fn seconds(&mut self, max: i64) {
        self.seconds_from(900, max);
    }

    fn seconds_from(&mut self, min: i64, max: i64) {
        let Some(value) = self.params.get("DurationSeconds") else {
            return;
        };
        let quoted = format!("'{value}'");
        match value.parse::<i64>() {
            Err(_) => self.fail(&quoted, "DurationSeconds", "be an integer"),
            Ok(seconds) if seconds < min => {
                self.fail(&quoted, "DurationSeconds", &format!("have value greater than or equal to {min}"));
            }
            Ok(seconds) if seconds > max => {
                self.fail(&quoted, "DurationSeconds", &format!("have value less than or equal to {max}"));
            }
            Ok(_) => {}
        }
    }

    fn token_size(&mut self) {
        let Some(value) = self.params.get("MinimumSessionTokenSize") else {
            return;
        };
        if !value.parse::<u32>().is_ok_and(|bytes| bytes <= 4096) {
            self.fail(&format!("'{value}'"), "MinimumSessionTokenSize", "have value less than or equal to 4096");
        }
    }

    fn at_most(&mut self, list: &str, member: &str, max: usize) {
        let count = members(self.params, list, member).len();
        if count > max {
            self.fail(&format!("of {count} members"), list, &format!("have length less than or equal to {max}"));
        }
    }

    fn finish(self) -> Result<(), Failure> {
        let (count, plural) = (self.errors.len(), if self.errors.len() == 1 { "" } else { "s" });
        if count == 0 {
            return Ok(());
        }
        Err(Failure::validation(format!("{count} validation error{plural} detected: {}", self.errors.join("; "))))
    }
}

fn allowed(pattern: &str, c: char) -> bool {
    let word = c.is_ascii_alphanumeric() || c == '_';
    match pattern {
        DIGITS => c.is_ascii_digit(),
        NAME => word || "+=,.@-".contains(c),
        EXTERNAL_ID | SERIAL => word || "+=,.@:/-".contains(c),
        _ => true,
    }
}

/// The members of a list parameter (`PolicyArns.member.1.arn`), in order.
#[must_use]
pub fn members<'a>(params: &'a Params, list: &str, member: &str) -> Vec<&'a str> {
    let suffix = if member.is_empty() { String::new() } else { format!(".{member}") };
    (1..).map_while(|index| params.get(&format!("{list}.member.{index}{suffix}")).map(String::as_str)).collect()
}

/// # Errors
/// `ValidationError` and its siblings.
pub fn assume_role(params: &Params) -> Result<(), Failure> {
    let mut checks = Checks { params, errors: Vec::new() };
    common(&mut checks);
    checks.text("ExternalId", 2, 1224, EXTERNAL_ID);
    checks.text("SourceIdentity", 2, 256, NAME);
    checks.text("Policy", 1, usize::MAX, ANY);
    mfa(&mut checks);
    checks.at_most("Tags", "Key", 50);
    checks.at_most("TransitiveTagKeys", "", 50);
    checks.at_most("ProvidedContexts", "ProviderArn", 5);
    checks.finish()?;
    role_arn(params)?;
    policies(params)?;
    tags(params)?;
    contexts(params)
}

/// # Errors
/// `ValidationError` and its siblings.
pub fn web_identity(params: &Params) -> Result<(), Failure> {
    let mut checks = Checks { params, errors: Vec::new() };
    common(&mut checks);
    checks.required("WebIdentityToken");
    checks.text("WebIdentityToken", 4, 20_000, ANY);
    checks.text("ProviderId", 4, 2048, ANY);
    checks.text("Policy", 1, 2048, ANY);
    checks.finish()?;
    role_arn(params)?;
    policies(params)
}

/// # Errors
/// `ValidationError`.
pub fn session_token(params: &Params) -> Result<(), Failure> {
    let mut checks = Checks { params, errors: Vec::new() };
    checks.seconds(129_600);
    checks.token_size();
    mfa(&mut checks);
    checks.finish()
}

/// # Errors
/// `ValidationError` and its siblings.
pub fn scoped_credentials(params: &Params) -> Result<(), Failure> {
    if !params.contains_key("Policy") && !params.contains_key("DurationSeconds") {
        return Err(Failure::validation("At least one of Policy and DurationSeconds must be given."));
    }
    let mut checks = Checks { params, errors: Vec::new() };
    checks.text("Policy", 1, 2048, ANY);
    checks.text("ScopedSessionDescription", 2, 256, ANY);
    checks.seconds_from(1, 129_600);
    checks.token_size();
    checks.finish()?;
    policies(params)
}

fn common(checks: &mut Checks) {
    checks.required("RoleArn");
    checks.text("RoleArn", 20, 2048, ANY);
    checks.required("RoleSessionName");
    checks.text("RoleSessionName", 2, 64, NAME);
    checks.seconds(43_200);
    checks.token_size();
    checks.at_most("PolicyArns", "arn", 10);
}

fn mfa(checks: &mut Checks) {
    checks.text("SerialNumber", 9, 256, SERIAL);
    checks.text("TokenCode", 6, 6, DIGITS);
}

fn role_arn(params: &Params) -> Result<(), Failure> {
    let text = params.get("RoleArn").map_or("", String::as_str);
    let good = Arn::parse(text).is_some_and(|arn| {
        let account = arn.account.len() == 12 && arn.account.bytes().all(|b| b.is_ascii_digit());
        arn.service == "iam" && account && arn.resource.starts_with("role/") && !arn.name().is_empty()
    });
    if good { Ok(()) } else { Err(Failure::validation(format!("{text} is invalid"))) }
}

/// `PackedPolicySize` in per cent. AWS's formula is not published; this one grows with the same parameters.
#[must_use]
pub fn packed_policy_size(params: &Params) -> usize {
    let counts = |name: &str| name == "Policy" || name.starts_with("PolicyArns.") || name.starts_with("Tags.");
    params.iter().filter(|(name, _)| counts(name)).map(|(_, value)| value.len()).sum::<usize>().div_ceil(40)
}

fn policies(params: &Params) -> Result<(), Failure> {
    let malformed = |message: &str| Failure::new(400, "MalformedPolicyDocument", message);
    if let Some(policy) = params.get("Policy") {
        let document: serde_json::Value =
            serde_json::from_str(policy).map_err(|_| malformed("This policy contains invalid Json"))?;
        if document.get("Statement").is_none() {
            return Err(malformed("Syntax errors in policy."));
        }
    }
    for text in members(params, "PolicyArns", "arn") {
        if !Arn::parse(text).is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("policy/")) {
            return Err(Failure::validation(format!("ARN {text} is not valid.")));
        }
    }
    let size = packed_policy_size(params);
    if size > 100 {
        let message = format!("Packed size of session policies and tags consumes {size}% of allotted space.");
        return Err(Failure::new(400, "PackedPolicyTooLarge", message));
    }
    Ok(())
}

fn tags(params: &Params) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    let (keys, values) = (members(params, "Tags", "Key"), members(params, "Tags", "Value"));
    if keys.len() != values.len() {
        return Err(Failure::validation("1 validation error detected: each of 'tags' must have a Key and a Value"));
    }
    for (key, value) in keys.iter().zip(values) {
        let fits = |text: &str, max: usize| text.chars().count() <= max && text.chars().all(tag_character);
        if key.is_empty() || !fits(key, 128) || !fits(value, 256) || key.to_lowercase().starts_with("aws:") {
            return Err(Failure::validation(format!("1 validation error detected: tag '{key}' is not a valid session tag")));
        }
        if !seen.insert(key.to_lowercase()) {
            return Err(Failure::validation("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
    }
    for key in members(params, "TransitiveTagKeys", "") {
        if !seen.contains(&key.to_lowercase()) {
            return Err(Failure::validation("The specified transitive tag key must be included in the requested tags."));
        }
    }
    Ok(())
}

fn tag_character(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}

fn contexts(params: &Params) -> Result<(), Failure> {
    let assertions = members(params, "ProvidedContexts", "ContextAssertion");
    let providers = members(params, "ProvidedContexts", "ProviderArn");
    let good = |text: &&str| Arn::parse(text).is_some_and(|arn| arn.resource.starts_with("contextProvider/"));
    if providers.iter().all(good) && assertions.iter().all(|text| (4..=3072).contains(&text.len())) {
        return Ok(());
    }
    Err(Failure::validation("1 validation error detected: 'providedContexts' holds an invalid ProviderArn or ContextAssertion"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(extra: &[(&str, &str)]) -> Params {
        let base = [("RoleArn", "arn:aws:iam::123456789012:role/team/x"), ("RoleSessionName", "me@host")];
        base.iter().chain(extra).map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    fn refusal(extra: &[(&str, &str)]) -> Failure {
        assume_role(&with(extra)).unwrap_err()
    }

    #[test]
    fn takes_everything_at_its_limit() {
        let long = "x".repeat(64);
        let tag_value = "ä/ =+".repeat(50);
        let good = with(&[
            ("RoleSessionName", &long),
            ("SourceIdentity", "ab"),
            ("ExternalId", "a:b/c"),
            ("DurationSeconds", "43200"),
            ("SerialNumber", "GAHT12345678"),
            ("TokenCode", "123456"),
            ("Policy", r#"{"Version":"2012-10-17","Statement":[]}"#),
            ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
            ("Tags.member.1.Key", "Team"),
            ("Tags.member.1.Value", &tag_value),
            ("TransitiveTagKeys.member.1", "team"),
            ("ProvidedContexts.member.1.ProviderArn", "arn:aws:iam::aws:contextProvider/IdentityCenter"),
            ("ProvidedContexts.member.1.ContextAssertion", "assertion"),
        ]);
        assert_eq!(assume_role(&good), Ok(()));
    }

    #[test]
    fn refuses_everything_beyond() {
        let long = "x".repeat(65);
        for (name, value, words) in [
            ("RoleSessionName", "a", "'roleSessionName' failed to satisfy constraint: Member must have length greater"),
            ("RoleSessionName", long.as_str(), "less than or equal to 64"),
            ("RoleSessionName", "a b", "regular expression"),
            ("SourceIdentity", "a/b", "regular expression"),
            ("ExternalId", "a b", "regular expression"),
            ("DurationSeconds", "899", "greater than or equal to 900"),
            ("DurationSeconds", "43201", "less than or equal to 43200"),
            ("DurationSeconds", "soon", "be an integer"),
            ("SerialNumber", "short", "greater than or equal to 9"),
            ("TokenCode", "12345", "greater than or equal to 6"),
            ("TokenCode", "12345a", "regular expression"),
            ("RoleArn", "arn:aws:iam::12345:role/name", "is invalid"),
            ("RoleArn", "arn:aws:iam::123456789012:user/name", "is invalid"),
            ("PolicyArns.member.1.arn", "arn:aws:iam::aws:role/ReadOnly", "not valid"),
            ("MinimumSessionTokenSize", "4097", "less than or equal to 4096"),
            ("TransitiveTagKeys.member.1", "absent", "must be included"),
            ("ProvidedContexts.member.1.ProviderArn", "arn:aws:iam::aws:role/x", "providedContexts"),
        ] {
            let failure = refusal(&[(name, value)]);
            assert_eq!((failure.status, failure.code.as_str()), (400, "ValidationError"), "{name}={value}");
            assert!(failure.message.contains(words), "{name}={value}: {}", failure.message);
        }
    }

    #[test]
    fn reports_all_at_once() {
        let failure = assume_role(&Params::new()).unwrap_err();
        assert!(failure.message.starts_with("2 validation errors detected: Value null at 'roleArn'"), "{}", failure.message);
    }

    #[test]
    fn judges_tags_and_policies() {
        let tag = |key: &str| refusal(&[("Tags.member.1.Key", key), ("Tags.member.1.Value", "v")]).message;
        assert!(tag("aws:x").contains("aws:x") && tag("a*b").contains("a*b"));
        let twice =
            [("Tags.member.1.Key", "a"), ("Tags.member.1.Value", ""), ("Tags.member.2.Key", "A"), ("Tags.member.2.Value", "")];
        assert!(refusal(&twice).message.contains("Duplicate"));
        assert_eq!(refusal(&[("Policy", "{")]).code, "MalformedPolicyDocument");
        assert_eq!(refusal(&[("Policy", "{}")]).code, "MalformedPolicyDocument");
        let arns: Vec<(String, String)> =
            (1..=11).map(|n| (format!("PolicyArns.member.{n}.arn"), "arn:aws:iam::aws:policy/x".into())).collect();
        let arns: Vec<(&str, &str)> = arns.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert!(refusal(&arns).message.contains("less than or equal to 10"));
        let tags: Vec<(String, String)> = (1..=20)
            .flat_map(|n| {
                [(format!("Tags.member.{n}.Key"), format!("k{n}")), (format!("Tags.member.{n}.Value"), "v".repeat(256))]
            })
            .collect();
        let tags: Vec<(&str, &str)> = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(refusal(&tags).code, "PackedPolicyTooLarge");
    }

    #[test]
    fn session_tokens_live_longer() {
        let of = |seconds: &str| session_token(&[("DurationSeconds".to_owned(), seconds.to_owned())].into());
        assert_eq!(of("129600"), Ok(()));
        assert!(of("129601").is_err());
    }
}
