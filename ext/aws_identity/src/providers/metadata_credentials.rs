//! The JSON in which IMDS and the container endpoints hand out credentials.

use super::credential_json::{extra, take, text};
use crate::{credentials::Credentials, util::foreign_text::shown};
use serde_json::Value;

/// Reads credentials, or says what is wrong with the answer without quoting it.
pub fn parse(body: &[u8], source: &str) -> Result<Credentials, String> {
    let mut answer = match serde_json::from_slice(body) {
        Ok(Value::Object(answer)) => answer,
        Ok(_) => return Err("the answer is not a JSON object".into()),
        Err(_) => return Err("the answer is not JSON".into()),
    };
    let has = |what: String| format!("the answer has {what}");
    // IMDS sends the code `Success`; another code says why the role cannot be used.
    for name in ["Code", "code"] {
        if let Some(code) = text(&mut answer, name).ok().flatten()
            && code != "Success"
        {
            let word: String = code
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(60)
                .collect();
            return Err(format!(
                "it answered {} instead of credentials",
                shown(&word)
            ));
        }
    }
    let role_arn = extra(&mut answer, "RoleArn").filter(|arn| arn.starts_with("arn:"));
    let mut credentials = take(&mut answer, "Token", source).map_err(has)?;
    if let Some(arn) = role_arn {
        credentials.details.insert("role_arn".into(), arn);
    }
    Ok(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_imds_and_ecs_write() {
        let body = br#"{"Code":"Success","AccessKeyId":"ASIAX","SecretAccessKey":"s","Token":"t",
                        "Expiration":"2026-01-02T03:04:05Z","RoleArn":"arn:aws:iam::1:role/r"}"#;
        let found = parse(body, "imds").unwrap();
        assert_eq!(found.access_key_id, "ASIAX");
        assert_eq!(found.expires_at, Some(1_767_323_045_000));
        assert_eq!(found.details["role_arn"], "arn:aws:iam::1:role/r");
    }

    #[test]
    fn an_extra_of_another_type_does_not_spoil_credentials() {
        for (extra, account) in [
            (r#""AccountId":123456789012"#, Some("123456789012")),
            (r#""AccountId":1234"#, Some("000000001234")),
            (r#""AccountId":"123456789012""#, Some("123456789012")),
            (r#""AccountId":1.5"#, None),
            (r#""AccountId":-1"#, None),
            (r#""AccountId":{"Id":1}"#, None),
            (r#""AccountId":true,"RoleArn":7"#, None),
            (r#""RoleArn":["arn:aws:iam::1:role/r"]"#, None),
            (r#""Code":7"#, None),
            (r#""AccountId":null,"code":{}"#, None),
        ] {
            let body = format!(r#"{{"AccessKeyId":"a","SecretAccessKey":"b",{extra}}}"#);
            let found = parse(body.as_bytes(), "container").unwrap();
            assert_eq!(found.account_id.as_deref(), account, "{extra}");
            assert!(found.details.is_empty(), "{extra}");
        }
    }

    #[test]
    fn refuses_half_an_answer_without_showing_it() {
        for (body, reason) in [
            (&b"canary"[..], "not JSON"),
            (br#"{"AccessKeyId":"canary"}"#, "no SecretAccessKey"),
            (br#"{"SecretAccessKey":"canary"}"#, "no AccessKeyId"),
            (
                br#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"canary"}"#,
                "AssumeRoleUnauthorizedAccess",
            ),
            (
                br#"{"AccessKeyId":"a","SecretAccessKey":"canary","Expiration":"soon"}"#,
                "no time",
            ),
        ] {
            let reason_given = parse(body, "imds").unwrap_err();
            assert!(reason_given.contains(reason), "{reason_given}");
            assert!(!reason_given.contains("canary"), "{reason_given}");
        }
    }
}
