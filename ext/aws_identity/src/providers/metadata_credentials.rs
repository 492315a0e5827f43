//! The JSON in which IMDS and the container endpoints hand out credentials.

use super::credential_json::{take, text};
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
        if let Some(code) = text(&mut answer, name).map_err(has)?
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
    let role_arn = text(&mut answer, "RoleArn").map_err(has)?;
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
