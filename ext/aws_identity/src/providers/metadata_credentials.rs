//! The JSON in which IMDS and the container endpoints hand out credentials.

use super::credential_json::{extra, take};
use crate::{
    credentials::{Credentials, KnownSecrets},
    util::secret_json::{self, SecretJson},
};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// Reads credentials, or says what is wrong with the answer. Of the answer only its code and message are shown,
/// without `secrets`.
pub fn parse(body: &[u8], source: &str, secrets: &KnownSecrets) -> Result<Credentials, String> {
    let mut answer = match SecretJson::parse(body) {
        Some(answer) => answer,
        None if is_json(body) => return Err("the answer is not a JSON object".into()),
        None => return Err("the answer is not JSON".into()),
    };
    let answer = answer.members();
    let has = |what: String| format!("the answer has {what}");
    // IMDS sends the code `Success`; another code says why the role cannot be used.
    let code = member(answer, ["Code", "code"]).filter(|code| !code.is_empty());
    if code.is_some_and(|code| code != "Success") {
        let words = words(body, secrets);
        return Err(format!("it gave none{words}"));
    }
    // A null is no time either: botocore refuses it from these two sources.
    if answer.get("Expiration") == Some(&Value::Null) {
        return Err("the answer has an Expiration that is null".into());
    }
    let role_arn = extra(answer, "RoleArn").filter(|arn| arn.starts_with("arn:"));
    let mut credentials = take(answer, "Token", source).map_err(has)?;
    if let Some(arn) = role_arn {
        credentials.details.insert("role_arn".into(), arn);
    }
    Ok(credentials)
}

/// What the endpoint says about its refusal, as `: its words`; empty where it says nothing, or a web page.
pub(super) fn words(body: &[u8], secrets: &KnownSecrets) -> String {
    let text = Zeroizing::new(String::from_utf8_lossy(body).into_owned());
    let mut answer = serde_json::from_str(&text).ok();
    let said = Zeroizing::new(match &answer {
        Some(Value::Object(answer)) => {
            let message = member(answer, ["Message", "message"]);
            let code = member(answer, ["Code", "code"]).and_then(|code| secrets.code(code));
            let parts: Vec<&str> = [code, message]
                .into_iter()
                .flatten()
                .filter(|part| !part.is_empty())
                .collect();
            parts.join(": ")
        }
        Some(Value::String(text)) => text.clone(),
        Some(_) => String::new(),
        None => text.to_string(),
    });
    if let Some(answer) = &mut answer {
        secret_json::wipe(answer);
    }
    let said = said.trim().trim_end_matches('.');
    if said.is_empty() || said.starts_with('<') {
        String::new()
    } else {
        format!(": {}", secrets.shown(said))
    }
}

fn is_json(body: &[u8]) -> bool {
    let parsed = serde_json::from_slice(body);
    parsed
        .map(|mut value| secret_json::wipe(&mut value))
        .is_ok()
}

fn member<'a>(answer: &'a Map<String, Value>, names: [&str; 2]) -> Option<&'a str> {
    let found = names.into_iter().find_map(|name| answer.get(name));
    found.and_then(Value::as_str).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_imds_and_ecs_write() {
        let body = br#"{"Code":"Success","AccessKeyId":"ASIAX","SecretAccessKey":"s","Token":"t",
                        "Expiration":"2026-01-02T03:04:05Z","RoleArn":"arn:aws:iam::1:role/r"}"#;
        let found = parse(body, "imds", &KnownSecrets::default()).unwrap();
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
            let found = parse(body.as_bytes(), "container", &KnownSecrets::default()).unwrap();
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
                br#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role"}"#,
                "none: AssumeRoleUnauthorizedAccess: EC2 cannot assume the role",
            ),
            (
                br#"{"AccessKeyId":"a","SecretAccessKey":"canary","Expiration":"soon"}"#,
                "no time",
            ),
        ] {
            let reason_given = parse(body, "imds", &KnownSecrets::default()).unwrap_err();
            assert!(reason_given.contains(reason), "{reason_given}");
            assert!(!reason_given.contains("canary"), "{reason_given}");
        }
    }

    #[test]
    fn an_expiration_that_is_no_time_is_refused() {
        for expiration in [
            "1767323045",
            "1767323045.5",
            "null",
            "true",
            "\"\"",
            "\"soon\"",
            "\"2026-01-02T03:04:05\"",
            "[]",
        ] {
            let body = format!(
                r#"{{"AccessKeyId":"a","SecretAccessKey":"canary","Expiration":{expiration}}}"#
            );
            let reason = parse(body.as_bytes(), "container", &KnownSecrets::default()).unwrap_err();
            assert!(reason.contains("Expiration"), "{reason}");
        }
        for expiration in ["2026-01-02T03:04:05+0000", "2026-01-02T12:04:05.25+0900"] {
            let body = format!(
                r#"{{"AccessKeyId":"a","SecretAccessKey":"s","Expiration":"{expiration}"}}"#
            );
            let found = parse(body.as_bytes(), "container", &KnownSecrets::default()).unwrap();
            assert!(
                found
                    .expires_at
                    .is_some_and(|at| at / 1000 == 1_767_323_045)
            );
        }
    }

    #[test]
    fn the_words_are_shown_on_one_line_and_without_the_token() {
        let secrets = KnownSecrets::default();
        secrets.note("canary");
        for (body, said) in [
            (
                r#"{"code":"InvalidIdInRequest","message":"ID not found."}"#,
                ": InvalidIdInRequest: ID not found",
            ),
            (r#"{"Message":"line\nline"}"#, r": line\nline"),
            (r#"{"Code":"canary","Message":"no"}"#, ": no"),
            (r#"{"Code":"no code/at all","Message":"no"}"#, ": no"),
            ("token is expired\n", ": token is expired"),
            (
                r#"no such token: canary, "canary""#,
                r#": no such token: [secret], "[secret]""#,
            ),
            (r#"{"message":"Bearer canary"}"#, ": Bearer [secret]"),
            (r#""text""#, ": text"),
            ("<html><body>404</body></html>", ""),
            ("", ""),
            ("7", ""),
            ("{}", ""),
        ] {
            assert_eq!(words(body.as_bytes(), &secrets), said);
        }
        assert!(words(&[b'x'; 5000], &secrets).len() < 600);
        assert!(!words(b"\xff\x1b[31m", &secrets).contains('\u{1b}'));
    }
}
