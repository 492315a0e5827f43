//! The members common to the JSON of IMDS, of a container endpoint and of a `credential_process`.

use crate::{
    credentials::{Credentials, Names},
    util::time,
};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// Takes the credentials out of `answer`, in which the session token is called `token`. The error
/// names the missing or wrong member, as in "no `AccessKeyId`", and never its value.
pub(super) fn take(
    answer: &mut Map<String, Value>,
    token: &'static str,
    source: &str,
) -> Result<Credentials, String> {
    let mut needed = |name: &str| text(answer, name)?.ok_or_else(|| format!("no {name}"));
    let id = needed("AccessKeyId")?;
    let secret = needed("SecretAccessKey")?;
    let session_token = text(answer, token)?;
    let mut credentials = Credentials::new(id, secret, session_token, source);
    credentials.account_id = extra(answer, "AccountId");
    credentials.expires_at = match answer.get("Expiration") {
        None | Some(Value::Null) => None,
        // An empty expiration is an error, since it must not count as credentials that never
        // expire.
        Some(_) => {
            let expiration = text(answer, "Expiration")?.unwrap_or_default();
            Some(
                time::parse(&expiration)
                    .ok_or("an Expiration that is no time such as 2030-01-02T03:04:05Z")?,
            )
        }
    };
    usable(
        credentials,
        ["AccessKeyId", "SecretAccessKey", token, "AccountId"],
    )
}

/// The credentials; an error names the member that cannot be used.
pub(super) fn usable(credentials: Credentials, names: Names) -> Result<Credentials, String> {
    match credentials.defect(names) {
        None => Ok(credentials),
        Some((name, what)) => Err(format!("a value for {name} that {what}")),
    }
}

/// A member that credentials do without: an account id that is written as a number is taken, a value of
/// another type is left aside, as botocore does.
pub(super) fn extra(answer: &mut Map<String, Value>, name: &str) -> Option<String> {
    match answer.get(name) {
        Some(Value::Number(number)) => number.as_u64().map(|number| format!("{number:012}")),
        _ => text(answer, name).ok()?,
    }
}

/// Moves the text out, so that no second copy of a secret remains. Null and blank text are absent.
pub(super) fn text(answer: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match answer.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) if text.trim().len() == text.len() => Ok(Some(text)),
        Some(Value::String(text)) => Ok(Some(Zeroizing::new(text).trim().to_owned())),
        Some(_) => Err(format!("{name} as something other than a string")),
    }
}
