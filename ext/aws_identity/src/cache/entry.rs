//! One file of the cache: STS's answer as botocore writes it, and our tag beside it.

use crate::{
    credentials::{Credentials, Millis, Secret},
    util::time::{self, format_iso8601},
};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// The member that holds our tag. The AWS CLI and botocore ignore it.
pub(super) const TAG: &str = "LexIdentityAws";

/// Text in STS's answer that goes into [`Credentials::details`], and its place in the file.
const DETAILS: [(&str, &str); 7] = [
    ("assumed_role_arn", "/AssumedRoleUser/Arn"),
    ("assumed_role_id", "/AssumedRoleUser/AssumedRoleId"),
    ("source_identity", "/SourceIdentity"),
    ("subject", "/SubjectFromWebIdentityToken"),
    ("provider", "/Provider"),
    ("audience", "/Audience"),
    ("request_id", "/ResponseMetadata/RequestId"),
];
/// The details that are numbers there.
const NUMBERS: [(&str, &str); 3] = [
    ("packed_policy_size", "PackedPolicySize"),
    ("session_token_size", "SessionTokenSize"),
    ("session_token_utilization", "SessionTokenUtilization"),
];

pub(super) struct Entry {
    pub credentials: Credentials,
    pub expires_at: Millis,
    /// `None` in a file the AWS CLI wrote.
    pub tag: Option<Value>,
}

impl Entry {
    /// `None` for what is not complete credentials with an expiration.
    pub(super) fn parse(bytes: &[u8], source: &str) -> Option<Self> {
        let mut file: Value = serde_json::from_slice(bytes).ok()?;
        let tag = file.as_object_mut()?.remove(TAG);
        let keys = file.get_mut("Credentials")?.as_object_mut()?;
        // Moved out, not copied: this memory is wiped with the credentials.
        let secret = Secret::new(taken(keys, "SecretAccessKey")?);
        let token = Secret::new(taken(keys, "SessionToken")?);
        let access_key_id = taken(keys, "AccessKeyId")?;
        let expires_at = time::parse(keys.get("Expiration")?.as_str()?)?;
        let account_id = account(keys).or_else(|| account_of_role_user(&file));

        let mut credentials = Credentials::new(access_key_id, "", None, source);
        credentials.secret_access_key = secret;
        credentials.session_token = Some(token);
        credentials.expires_at = Some(expires_at);
        credentials.account_id = account_id;
        if credentials.defect([""; 4]).is_some() {
            return None;
        }
        for (name, place) in DETAILS {
            if let Some(text) = file.pointer(place).and_then(Value::as_str) {
                credentials.details.insert(name.into(), text.into());
            }
        }
        for (name, member) in NUMBERS {
            if let Some(number) = file.get(member).and_then(Value::as_u64) {
                credentials.details.insert(name.into(), number.to_string());
            }
        }
        Some(Self {
            credentials,
            expires_at,
            tag,
        })
    }

    /// `None` for credentials without an expiration or a session token: botocore reads neither.
    pub(super) fn render(credentials: &Credentials, tag: &Value) -> Option<Zeroizing<Vec<u8>>> {
        let expires_at = credentials.expires_at?;
        let token = credentials.session_token.as_ref()?;
        let mut file = json!({ "ResponseMetadata": { "HTTPStatusCode": 200 } });
        for (name, place) in DETAILS {
            if let Some(text) = credentials.details.get(name) {
                put(&mut file, place, json!(text));
            }
        }
        for (name, member) in NUMBERS {
            let number = credentials.details.get(name);
            if let Some(number) = number.and_then(|number| number.parse::<u64>().ok()) {
                file[member] = json!(number);
            }
        }
        file[TAG] = tag.clone();
        // Rounded down to a second, as STS counts: never later than the real expiration.
        let expiration = format_iso8601(expires_at.div_euclid(1000).saturating_mul(1000));
        let mut keys =
            json!({ "AccessKeyId": credentials.access_key_id, "Expiration": expiration });
        if let Some(account) = &credentials.account_id {
            keys["AccountId"] = json!(account);
        }
        let body = file.to_string();
        let keys = keys.to_string();

        // The secrets are written into one buffer that is wiped, and large enough never to grow: growing
        // would leave copies.
        let secret = credentials.secret_access_key.expose();
        let room = body.len() + keys.len() + 6 * (secret.len() + token.expose().len()) + 128;
        let mut out = Zeroizing::new(Vec::with_capacity(room));
        out.extend_from_slice(b"{\"Credentials\":");
        out.extend_from_slice(keys.strip_suffix('}')?.as_bytes());
        out.extend_from_slice(b",\"SecretAccessKey\":");
        serde_json::to_writer(&mut *out, secret).ok()?;
        out.extend_from_slice(b",\"SessionToken\":");
        serde_json::to_writer(&mut *out, token.expose()).ok()?;
        out.extend_from_slice(b"},");
        out.extend_from_slice(body.strip_prefix('{')?.as_bytes());
        Some(out)
    }
}

/// A text that is there and not blank, moved out of the map.
fn taken(map: &mut Map<String, Value>, name: &str) -> Option<String> {
    match map.get_mut(name)?.take() {
        Value::String(text) if !text.trim().is_empty() => Some(text),
        _ => None,
    }
}

/// As with every answer, an account that is written as a number is taken.
fn account(keys: &mut Map<String, Value>) -> Option<String> {
    match keys.get("AccountId")?.as_u64() {
        Some(number) => Some(format!("{number:012}")),
        None => taken(keys, "AccountId"),
    }
}

/// botocore before 1.35 wrote no `AccountId`; the session's ARN names it.
fn account_of_role_user(file: &Value) -> Option<String> {
    let arn = file.pointer("/AssumedRoleUser/Arn")?.as_str()?;
    let account = arn.split(':').nth(4)?;
    let digits = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| account.to_owned())
}

/// Sets `/Member` or `/Object/Member`.
fn put(file: &mut Value, place: &str, value: Value) {
    match place.trim_start_matches('/').split_once('/') {
        Some((object, member)) => file[object][member] = value,
        None => file[place.trim_start_matches('/')] = value,
    }
}
