//! The Security Token Service: the operations of its query protocol, and the trust rules that moto does not check.

use crate::arn::{Arn, glob};
use crate::call::Call;
use crate::caller::authenticate;
use crate::clock;
use crate::failure::Failure;
use crate::http::Response;
use crate::keys::{Key, Principal};
use crate::limits::{self, members};
use crate::world::Role;
use std::collections::BTreeMap;
use std::fmt::Write;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const HOUR: i64 = 3600;

/// # Errors
/// AWS's code and message for the refusal.
pub fn answer(call: &mut Call, request_id: &str) -> Result<Response, Failure> {
    if let Some(keys) = crate::identity_token::published(&call.request.path, call.request.header("host").unwrap_or_default()) {
        return Ok(keys);
    }
    let action = call.param("Action").unwrap_or_default().to_owned();
    if call.param("Version") != Some("2011-06-15") {
        let version = call.param("Version").unwrap_or("NO_VERSION_SPECIFIED");
        return Err(Failure::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}")));
    }
    let fields = match action.as_str() {
        "GetCallerIdentity" => get_caller_identity(call)?,
        "AssumeRole" => assume_role(call)?,
        "AssumeRoleWithWebIdentity" => assume_role_with_web_identity(call)?,
        "GetSessionToken" => get_session_token(call)?,
        "GetScopedCredentials" => crate::scoped_credentials::get_scoped_credentials(call)?,
        "GetWebIdentityToken" => crate::identity_token::get_web_identity_token(call)?,
        _ => {
            let message = format!("Could not find operation {action} for version 2011-06-15");
            return Err(Failure::new(400, "InvalidAction", message));
        }
    };
    let body = format!(
        "<{action}Response xmlns=\"{NAMESPACE}\">\n  <{action}Result>\n{fields}  </{action}Result>\n  \
         <ResponseMetadata>\n    <RequestId>{request_id}</RequestId>\n  </ResponseMetadata>\n</{action}Response>\n"
    );
    Ok(Response::new(200, "text/xml", body))
}

/// An error as STS writes it.
#[must_use]
pub fn refuse(failure: &Failure, request_id: &str) -> Response {
    let kind = if failure.status < 500 { "Sender" } else { "Receiver" };
    let body = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\">\n  <Error>\n    <Type>{kind}</Type>\n{}{}  </Error>\n  \
         <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n",
        element("Code", &failure.code),
        element("Message", &failure.message),
    );
    Response::new(failure.status, "text/xml", body)
}

pub(crate) fn element(name: &str, value: &str) -> String {
    let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("    <{name}>{escaped}</{name}>\n")
}

pub(crate) fn signed_by(call: &mut Call) -> Result<Key, Failure> {
    authenticate(call.request, call.world, call.keys, call.now_ms, call.entry)
}

fn get_caller_identity(call: &mut Call) -> Result<String, Failure> {
    let Principal { arn, user_id, account, .. } = signed_by(call)?.principal;
    Ok(element("Arn", &arn) + &element("UserId", &user_id) + &element("Account", &account))
}

fn assume_role(call: &mut Call) -> Result<String, Failure> {
    let caller = signed_by(call)?;
    limits::assume_role(call.params)?;
    let role_arn = call.param("RoleArn").unwrap_or_default().to_owned();
    let session = call.param("RoleSessionName").unwrap_or_default().to_owned();
    if caller.principal.arn.ends_with(":root") {
        return Err(Failure::access_denied("Roles may not be assumed by root accounts."));
    }
    let denied = || {
        let who = &caller.principal.arn;
        Failure::access_denied(format!("User: {who} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"))
    };
    // A role that does not exist gets the same answer as one that refuses the caller.
    let role = call.world.roles.get(&role_arn).cloned().ok_or_else(denied)?;
    let mfa = check_mfa(call, &caller)? || caller.mfa;
    let source_identity = call.param("SourceIdentity").map(str::to_owned);
    let trusted = trusts(&role, &caller.principal)
        && Arn::parse(&role_arn).is_some_and(|arn| arn.partition == caller.principal.partition)
        && role.external_id.as_deref().is_none_or(|wanted| call.param("ExternalId") == Some(wanted))
        && (mfa || !role.mfa_required)
        && (source_identity.is_some() || caller.source_identity.is_some() || !role.source_identity_required)
        // Once set, a source identity stays for the whole chain.
        && (caller.source_identity.is_none() || source_identity.is_none() || source_identity == caller.source_identity);
    if !trusted {
        return Err(denied());
    }
    let seconds = duration(call, &role, caller.principal.role.is_some())?;
    let transitive_tags = chain_tags(call.params, &caller)?;
    let source_identity = source_identity.or(caller.source_identity);
    let key = call.issue(Principal::of_role(&role_arn, &session), seconds, |key| {
        key.source_identity.clone_from(&source_identity);
        key.transitive_tags = transitive_tags;
    });
    Ok(role_answer(call, &key))
}

fn assume_role_with_web_identity(call: &mut Call) -> Result<String, Failure> {
    limits::web_identity(call.params)?;
    let role_arn = call.param("RoleArn").unwrap_or_default().to_owned();
    let session = call.param("RoleSessionName").unwrap_or_default().to_owned();
    let invalid = |message: &str| Failure::new(400, "InvalidIdentityToken", message);
    let token = call.param("WebIdentityToken").and_then(|token| call.world.web_identity_tokens.get(token)).cloned();
    let token = token.ok_or_else(|| {
        invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
    })?;
    if token.provider_id.as_deref() != call.param("ProviderId") {
        return Err(invalid("Provider ID does not match the identity provider of the token"));
    }
    if token.expired {
        let now = call.now_ms / 1000;
        let message = format!("Token expired: current date/time {now} must be before the expiration date/time {}", now - 60);
        return Err(Failure::new(400, "ExpiredTokenException", message));
    }
    if token.rejected {
        return Err(Failure::new(403, "IDPRejectedClaim", "The identity provider rejected the claim"));
    }
    let role = call.world.roles.get(&role_arn).filter(|_| token.roles.iter().any(|pattern| glob(pattern, &role_arn))).cloned();
    let role = role.ok_or_else(|| Failure::access_denied("Not authorized to perform sts:AssumeRoleWithWebIdentity"))?;
    let seconds = duration(call, &role, false)?;
    let key = call
        .issue(Principal::of_role(&role_arn, &session), seconds, |key| key.source_identity.clone_from(&token.source_identity));
    call.entry.principal = Some(token.subject.clone());
    Ok(element("SubjectFromWebIdentityToken", &token.subject)
        + &element("Audience", &token.audience)
        + &element("Provider", &token.provider)
        + &role_answer(call, &key))
}

fn get_session_token(call: &mut Call) -> Result<String, Failure> {
    let caller = signed_by(call)?;
    limits::session_token(call.params)?;
    if caller.token.is_some() {
        return Err(Failure::access_denied("Cannot call GetSessionToken with session credentials"));
    }
    let mfa = check_mfa(call, &caller)?;
    let root = caller.principal.arn.ends_with(":root");
    let longest = if root { HOUR } else { 36 * HOUR };
    let default = if root { HOUR } else { 12 * HOUR };
    let seconds = call.param("DurationSeconds").and_then(|text| text.parse().ok()).unwrap_or(default).min(longest);
    let key = call.issue(caller.principal, seconds, |key| key.mfa = mfa);
    Ok(credentials(&key) + &token_size(call, &key))
}

fn trusts(role: &Role, caller: &Principal) -> bool {
    let is = |pattern: &String| glob(pattern, &caller.arn) || caller.role.as_ref().is_some_and(|role| glob(pattern, role));
    role.principals.as_ref().is_none_or(|patterns| patterns.iter().any(is))
}

/// Whether the request has a valid MFA code; a code is used up by the check.
fn check_mfa(call: &mut Call, caller: &Key) -> Result<bool, Failure> {
    let failed = |why: &str| Failure::access_denied(format!("MultiFactorAuthentication failed{why}"));
    let (serial, code) = match (call.param("SerialNumber"), call.param("TokenCode")) {
        (None, None) => return Ok(false),
        (Some(serial), Some(code)) => (serial.to_owned(), code.to_owned()),
        _ => {
            return Err(failed(", must provide both MFA serial number and one time pass code. "));
        }
    };
    let codes = call.world.users.get_mut(&caller.principal.arn).and_then(|user| user.mfa.get_mut(&serial)).ok_or_else(|| {
        failed(", unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.")
    })?;
    let at = codes.iter().position(|good| *good == code).ok_or_else(|| failed(" with invalid MFA one time pass code. "))?;
    codes.remove(at);
    Ok(true)
}

fn duration(call: &Call, role: &Role, chained: bool) -> Result<i64, Failure> {
    let Some(seconds) = call.param("DurationSeconds").and_then(|text| text.parse::<i64>().ok()) else {
        return Ok(HOUR);
    };
    if chained && seconds > HOUR {
        let words = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(Failure::validation(words));
    }
    if seconds > role.max_session_duration.unwrap_or(HOUR) {
        return Err(Failure::validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
    }
    Ok(seconds)
}

/// The transitive tags of the new session: inherited and added ones. An inherited one cannot be set again.
fn chain_tags(params: &BTreeMap<String, String>, caller: &Key) -> Result<BTreeMap<String, String>, Failure> {
    let given: BTreeMap<String, &str> = members(params, "Tags", "Key")
        .into_iter()
        .zip(members(params, "Tags", "Value"))
        .map(|(key, value)| (key.to_lowercase(), value))
        .collect();
    if given.keys().any(|key| caller.transitive_tags.contains_key(key)) {
        return Err(Failure::validation(
            "One of the specified session tags is already set as transitive by the calling session.",
        ));
    }
    let mut tags = caller.transitive_tags.clone();
    for key in members(params, "TransitiveTagKeys", "") {
        let key = key.to_lowercase();
        let value = given.get(&key).copied().unwrap_or_default().to_owned();
        tags.insert(key, value);
    }
    Ok(tags)
}

fn role_answer(call: &Call, key: &Key) -> String {
    let mut text = format!(
        "    <AssumedRoleUser>\n{}{}    </AssumedRoleUser>\n{}",
        element("AssumedRoleId", &key.principal.user_id),
        element("Arn", &key.principal.arn),
        credentials(key),
    );
    text.push_str(&token_size(call, key));
    let size = limits::packed_policy_size(call.params);
    if size > 0 {
        let _ = write!(text, "{}", element("PackedPolicySize", &size.to_string()));
    }
    if let Some(identity) = &key.source_identity {
        text.push_str(&element("SourceIdentity", identity));
    }
    text
}

/// How large the session token is. The fake does not pad it; the answer says the size that was asked for.
pub(crate) fn token_size(call: &Call, key: &Key) -> String {
    let least = call.param("MinimumSessionTokenSize").and_then(|text| text.parse().ok()).unwrap_or(0);
    let size = key.token().len().max(least);
    element("SessionTokenSize", &size.to_string()) + &element("SessionTokenUtilization", &(size * 100 / 4096).to_string())
}

pub(crate) fn credentials(key: &Key) -> String {
    format!(
        "    <Credentials>\n{}{}{}{}    </Credentials>\n",
        element("AccessKeyId", &key.id),
        element("SecretAccessKey", &key.secret),
        element("SessionToken", key.token()),
        element("Expiration", &clock::iso(key.expires_ms.unwrap_or_default())),
    )
}
