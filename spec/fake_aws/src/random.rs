//! Random identifiers, secrets and tokens, and stable ids derived from a name.

use crate::sigv4::hex;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn bytes(count: usize) -> Vec<u8> {
    let mut buffer = vec![0; count];
    if SystemRandom::new().fill(&mut buffer).is_err() {
        // Without randomness every secret would be the same: the server does not run then.
        std::process::abort();
    }
    buffer
}

fn spell(bytes: &[u8], alphabet: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}

/// `ASIA…`, twenty characters.
#[must_use]
pub fn temporary_key_id() -> String {
    format!("ASIA{}", spell(&bytes(16), BASE32))
}

/// Forty characters, slash and plus among them as in real ones.
#[must_use]
pub fn secret_key() -> String {
    spell(&bytes(40), BASE64)
}

/// A session token: long, with the characters that need care in XML, URLs and headers.
#[must_use]
pub fn session_token() -> String {
    format!("IQoJ{}/+==", spell(&bytes(344), BASE64))
}

/// A bearer token for IMDS or SSO.
#[must_use]
pub fn bearer_token() -> String {
    format!("{}==", spell(&bytes(54), &BASE64[..62]))
}

/// A request id in the shape of a UUID.
#[must_use]
pub fn request_id() -> String {
    let hex = hex(&bytes(16));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Thirty-two hexadecimal digits: the form of an ECS task id.
#[must_use]
pub fn task_id() -> String {
    request_id().replace('-', "")
}

/// AWS's unique id of a user (`AIDA`) or role (`AROA`): the same for the same name, in every run.
#[must_use]
pub fn unique_id(prefix: &str, name: &str) -> String {
    format!("{prefix}{}", spell(&digest(&SHA256, name.as_bytes()).as_ref()[..17], BASE32))
}
