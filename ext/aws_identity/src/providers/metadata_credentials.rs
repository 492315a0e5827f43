//! The JSON in which IMDS and the container endpoints hand out credentials.

use crate::{credentials::Credentials, util::time};
use serde_json::Value;

/// Reads a set, or says what is wrong with it. What it holds never stands in the reason.
pub fn parse(body: &[u8], source: &str) -> Result<Credentials, String> {
    let value: Value =
        serde_json::from_slice(body).map_err(|_| "the answer is not JSON".to_owned())?;
    let text = |name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    // IMDS says `Success`; another word says why the role cannot be used.
    if let Some(code) = text("Code").or_else(|| text("code"))
        && code != "Success"
    {
        let word: String = code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(60)
            .collect();
        return Err(format!("it answered {word} instead of credentials"));
    }
    let missing = |name: &str| format!("the answer has no {name}");
    let mut set = Credentials::new(
        text("AccessKeyId").ok_or_else(|| missing("AccessKeyId"))?,
        text("SecretAccessKey").ok_or_else(|| missing("SecretAccessKey"))?,
        text("Token"),
        source,
    );
    set.expires_at = match text("Expiration") {
        Some(end) => Some(time::parse_iso8601(&end).ok_or("its Expiration is not a time")?),
        None => None,
    };
    set.account_id = text("AccountId");
    if let Some(arn) = text("RoleArn") {
        set.details.insert("role_arn".into(), arn);
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_imds_and_ecs_write() {
        let body = br#"{"Code":"Success","AccessKeyId":"ASIAX","SecretAccessKey":"s","Token":"t",
                        "Expiration":"2026-01-02T03:04:05Z","RoleArn":"arn:aws:iam::1:role/r"}"#;
        let set = parse(body, "imds").unwrap();
        assert_eq!(set.access_key_id, "ASIAX");
        assert_eq!(set.expires_at, Some(1_767_323_045_000));
        assert_eq!(set.details["role_arn"], "arn:aws:iam::1:role/r");
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
                "not a time",
            ),
        ] {
            let told = parse(body, "imds").unwrap_err();
            assert!(told.contains(reason), "{told}");
            assert!(!told.contains("canary"), "{told}");
        }
    }
}
