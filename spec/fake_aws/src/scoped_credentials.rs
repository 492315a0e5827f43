//! `GetScopedCredentials`: a key of the caller's own identity that is limited by a policy or ends earlier.

use crate::call::Call;
use crate::failure::Failure;
use crate::limits;
use crate::sts::{credentials, element, signed_by, token_size};
use std::fmt::Write;

const MOST_SCOPES: u32 = 3;
/// What a session token lasts that the world gives without an expiration.
const LONGEST_MS: i64 = 36 * 3_600_000;

/// # Errors
/// AWS's code and message for the refusal.
pub fn get_scoped_credentials(call: &mut Call) -> Result<String, Failure> {
    let caller = signed_by(call)?;
    limits::scoped_credentials(call.params)?;
    if caller.token.is_none() {
        let message = "GetScopedCredentials can be called with temporary security credentials only.";
        return Err(Failure::new(400, "InvalidSubjectCredentials", message));
    }
    let scopes = caller.scopes + u32::from(call.param("Policy").is_some());
    if scopes > MOST_SCOPES {
        return Err(Failure::access_denied(format!("The session already has {MOST_SCOPES} scope down policies.")));
    }
    let end = caller.expires_ms.unwrap_or(call.now_ms + LONGEST_MS);
    let asked =
        call.param("DurationSeconds").and_then(|text| text.parse::<i64>().ok()).map(|seconds| call.now_ms + seconds * 1000);
    if asked.is_some_and(|asked| asked > end) {
        let message = "The requested DurationSeconds is greater than the remaining lifetime of the calling session.";
        return Err(Failure::new(400, "InsufficientSessionLifetime", message));
    }
    let is_set_by_rule = call.lifetime_seconds.is_some();
    let key = call.issue(caller.principal, 0, |key| {
        if !is_set_by_rule {
            key.expires_ms = Some(asked.unwrap_or(end));
        }
        key.scopes = scopes;
        key.mfa = caller.mfa;
        key.source_identity.clone_from(&caller.source_identity);
        key.transitive_tags = caller.transitive_tags;
    });
    let mut text = credentials(&key);
    let _ = write!(
        text,
        "    <SessionInfo>\n{}{}    </SessionInfo>\n",
        element("ScopedSessionId", &key.principal.user_id),
        element("Arn", &key.principal.arn)
    );
    text.push_str(&token_size(call, &key));
    text.push_str(&element("ScopedPoliciesCount", &scopes.to_string()));
    if let Some(identity) = &key.source_identity {
        text.push_str(&element("SourceIdentity", identity));
    }
    Ok(text)
}
