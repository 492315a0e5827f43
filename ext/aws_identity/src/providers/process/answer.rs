//! What a `credential_process` prints: one JSON object, version 1.

use crate::{
    credentials::Credentials,
    providers::credential_json::take,
    util::{foreign_text::shown, secret_json::SecretJson},
};
use serde_json::Value;

/// An error names a missing or wrong member and never its value.
pub fn read(output: &[u8]) -> Result<Credentials, String> {
    if output.trim_ascii().is_empty() {
        return Err("printed nothing".into());
    }
    let Some(mut answer) = SecretJson::parse(output) else {
        return Err("printed something that is not one JSON object".into());
    };
    let answer = answer.members();
    match answer.get("Version") {
        Some(Value::Number(version)) if version.as_f64() == Some(1.0) => {}
        Some(Value::Number(version)) => {
            let version = shown(&version.to_string());
            return Err(format!("printed Version {version}, and only 1 is known"));
        }
        Some(_) => return Err("printed a Version that is not the number 1".into()),
        None => return Err("printed no Version".into()),
    }
    take(answer, "SessionToken", "credential_process").map_err(|defect| format!("printed {defect}"))
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
            let reason = read(answer.as_bytes()).unwrap_err();
            assert!(
                reason.contains(what) && !reason.contains("canary"),
                "{answer}: {reason}"
            );
        }
        assert!(read(b"{\"Version\": 1, \"AccessKeyId\": \"\xff\"}").is_err());
    }

    #[test]
    fn an_account_that_is_a_number_is_taken_and_another_type_left_aside() {
        for (account, taken) in [
            ("123456789012", Some("123456789012")),
            ("12345", Some("000000012345")),
            ("\"123456789012\"", Some("123456789012")),
            ("[]", None),
            ("true", None),
        ] {
            let answer = format!(
                r#"{{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "AccountId": {account}}}"#
            );
            let found = read(answer.as_bytes()).unwrap();
            assert_eq!(found.account_id.as_deref(), taken, "{account}");
        }
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
            let found = read(answer.as_bytes()).unwrap();
            assert_eq!(
                (found.session_token, found.expires_at, found.account_id),
                (None, None, None),
                "{extra}"
            );
        }
    }
}
