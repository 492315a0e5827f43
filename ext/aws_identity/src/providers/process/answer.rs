//! What a `credential_process` prints: one JSON object, version 1.

use crate::{credentials::Credentials, util::time};
use serde_json::{Map, Value};

/// Errors say what is missing and never what is there.
pub fn read(output: &[u8]) -> Result<Credentials, String> {
    if output.trim_ascii().is_empty() {
        return Err("printed nothing".into());
    }
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(output) else {
        return Err("printed something that is not one JSON object".into());
    };
    match answer.get("Version") {
        Some(Value::Number(version)) if version.as_f64() == Some(1.0) => {}
        Some(Value::Number(version)) => {
            return Err(format!("printed Version {version}, and only 1 is known"));
        }
        Some(_) => return Err("printed a Version that is not the number 1".into()),
        None => return Err("printed no Version".into()),
    }
    let id = needed(&mut answer, "AccessKeyId")?;
    let secret = needed(&mut answer, "SecretAccessKey")?;
    let token = text(&mut answer, "SessionToken")?.filter(|token| !token.is_empty());
    let mut credentials = Credentials::new(id, secret, token, "credential_process");
    credentials.account_id = text(&mut answer, "AccountId")?.filter(|account| !account.is_empty());
    // An empty one is an error: such a set would count as one that never ends.
    if let Some(expiration) = text(&mut answer, "Expiration")? {
        let time = time::parse_iso8601(&expiration)
            .ok_or("printed an Expiration that is no time such as 2030-01-02T03:04:05Z")?;
        credentials.expires_at = Some(time);
    }
    Ok(credentials)
}

fn needed(answer: &mut Map<String, Value>, key: &str) -> Result<String, String> {
    text(answer, key)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| format!("printed no {key}"))
}

/// Moves the text out, so that no second copy of a secret stays behind. Null is absent.
fn text(answer: &mut Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match answer.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("printed {key} as something other than a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_is_named_and_not_shown() {
        let keys = r#""AccessKeyId": "canary", "SecretAccessKey": "canary""#;
        let cases = [
            (String::new(), "printed nothing"),
            (" \n".into(), "printed nothing"),
            ("canary".into(), "not one JSON object"),
            ("[1]".into(), "not one JSON object"),
            (
                format!("{{{keys}, \"Version\": 1}} canary"),
                "not one JSON object",
            ),
            (format!("{{{keys}}}"), "printed no Version"),
            (
                format!("{{{keys}, \"Version\": \"1\"}}"),
                "not the number 1",
            ),
            (format!("{{{keys}, \"Version\": true}}"), "not the number 1"),
            (format!("{{{keys}, \"Version\": 2}}"), "printed Version 2"),
            (
                r#"{"Version": 1, "SecretAccessKey": "canary"}"#.into(),
                "no AccessKeyId",
            ),
            (
                r#"{"Version": 1, "SecretAccessKey": "canary", "AccessKeyId": ""}"#.into(),
                "no AccessKeyId",
            ),
            (
                r#"{"Version": 1, "AccessKeyId": "canary"}"#.into(),
                "no SecretAccessKey",
            ),
            (
                r#"{"Version": 1, "AccessKeyId": "canary", "SecretAccessKey": null}"#.into(),
                "no SecretAccessKey",
            ),
            (
                r#"{"Version": 1, "AccessKeyId": "canary", "SecretAccessKey": 1}"#.into(),
                "SecretAccessKey as something",
            ),
            (
                format!("{{{keys}, \"Version\": 1, \"SessionToken\": []}}"),
                "SessionToken as something",
            ),
            (
                format!("{{{keys}, \"Version\": 1, \"AccountId\": 123456789012}}"),
                "AccountId as something",
            ),
            (
                format!("{{{keys}, \"Version\": 1, \"Expiration\": \"canary\"}}"),
                "an Expiration that is no time",
            ),
            (
                format!("{{{keys}, \"Version\": 1, \"Expiration\": \"\"}}"),
                "an Expiration that is no time",
            ),
            (
                format!("{{{keys}, \"Version\": 1, \"Expiration\": 9}}"),
                "Expiration as something",
            ),
        ];
        for (answer, what) in cases {
            let said = read(answer.as_bytes()).unwrap_err();
            assert!(
                said.contains(what) && !said.contains("canary"),
                "{answer}: {said}"
            );
        }
        assert!(read(b"{\"Version\": 1, \"AccessKeyId\": \"\xff\"}").is_err());
    }

    #[test]
    fn blank_and_null_extras_are_absent() {
        for extra in [
            "",
            r#", "SessionToken": "", "AccountId": """#,
            r#", "SessionToken": null, "Expiration": null"#,
        ] {
            let answer =
                format!(r#"{{"Version": 1.0, "AccessKeyId": "a", "SecretAccessKey": "b"{extra}}}"#);
            let set = read(answer.as_bytes()).unwrap();
            assert_eq!(
                (set.session_token, set.expires_at, set.account_id),
                (None, None, None),
                "{extra}"
            );
        }
    }
}
