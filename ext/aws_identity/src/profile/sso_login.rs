//! Whether there is a login: the token that `aws sso login` leaves behind.

use crate::{
    credentials::Millis,
    environment::Environment,
    util::{read_file, time},
};
use serde_json::Value;
use sha1::{Digest as _, Sha1};
use std::path::{Path, PathBuf};

/// Tokens of IAM Identity Center are a few kilobytes.
const SIZE_LIMIT: u64 = 64 * 1024;

/// Why `profile` cannot use the login named by `session`, or without one by `start_url`.
///
/// The token stands in `~/.aws/sso/cache/<sha1>.json`, where the CLI and all SDKs keep it.
pub(super) fn obstacle(
    environment: &Environment,
    profile: &str,
    session: Option<&str>,
    start_url: &str,
    now: Millis,
) -> Option<String> {
    let path = path(environment, session, start_url);
    let advice = format!("Run `aws sso login --profile {profile}`");
    let bytes = match read_file::read(&path, SIZE_LIMIT) {
        Ok((_, bytes)) => bytes,
        Err(why) => {
            return Some(format!(
                "The SSO token {} is {why}. {advice}.",
                path.display()
            ));
        }
    };
    let token: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |key: &str| token.get(key).and_then(Value::as_str);
    let Some(end) = text("expiresAt").and_then(time::parse_iso8601) else {
        return Some(format!(
            "The SSO token {} is not readable as one. {advice}.",
            path.display()
        ));
    };
    // Only a token of a session can be renewed, and only while its client is registered.
    let registered = text("registrationExpiresAt").and_then(time::parse_iso8601);
    let renewable = session.is_some()
        && text("refreshToken").is_some()
        && registered.is_some_and(|end| end > now);
    if end > now || renewable {
        return None;
    }
    Some(format!(
        "The SSO login ended at {}. {advice}.",
        time::format_iso8601(end)
    ))
}

/// Where that token lies, or would.
pub(crate) fn path(environment: &Environment, session: Option<&str>, start_url: &str) -> PathBuf {
    let name = Sha1::digest(session.unwrap_or(start_url));
    let home = environment.get("HOME").unwrap_or_default();
    Path::new(home).join(format!(".aws/sso/cache/{name:x}.json"))
}
