//! `GetWebIdentityToken`, and the keys to check its tokens with, as an OIDC issuer publishes them.

use crate::call::Call;
use crate::clock;
use crate::failure::Failure;
use crate::http::Response;
use crate::limits::members;
use crate::random;
use crate::sts::{element, signed_by};
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Map, Value, json};

/// Keys made for this program alone; they guard nothing.
const RSA: &[u8] = include_bytes!("../data/identity_token_rs256.der");
const EC: &[u8] = include_bytes!("../data/identity_token_es384.der");

/// # Errors
/// AWS's code and message for the refusal.
pub fn get_web_identity_token(call: &mut Call) -> Result<String, Failure> {
    let caller = signed_by(call)?;
    let invalid = |message: &str| Failure::new(400, "ValidationError", message);
    let audience = members(call.params, "Audience", "");
    if audience.is_empty() || audience.len() > 10 {
        return Err(invalid(
            "1 validation error detected: Value at 'audience' failed to satisfy constraint: Member must have length between 1 and 10",
        ));
    }
    let seconds: i64 = call.param("DurationSeconds").and_then(|text| text.parse().ok()).unwrap_or(300);
    if !(60..=3600).contains(&seconds) {
        return Err(invalid(
            "1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint: Member must be between 60 and 3600",
        ));
    }
    if caller.expires_ms.is_some_and(|end| call.now_ms + seconds * 1000 > end) {
        return Err(Failure::new(
            403,
            "SessionDurationEscalationException",
            "The requested token duration would extend the session beyond its expiration time.",
        ));
    }
    let tags: Map<String, Value> = members(call.params, "Tags", "Key")
        .into_iter()
        .zip(members(call.params, "Tags", "Value"))
        .map(|(key, value)| (key.to_owned(), Value::from(value)))
        .collect();
    let issued = call.now_ms / 1000;
    let seconds = call.lifetime_seconds.unwrap_or(seconds);
    let principal = &caller.principal;
    let subject = principal.role.as_ref().unwrap_or(&principal.arn);
    let host = call.request.header("host").unwrap_or_default();
    let claims = json!({
        "iss": format!("http://{host}"), "sub": subject, "aud": if audience.len() == 1 { json!(audience[0]) } else { json!(audience) },
        "iat": issued, "exp": issued + seconds, "jti": random::task_id(),
        "https://sts.amazonaws.com/": { "aws_account": principal.account, "principal_id": principal.arn, "request_tags": tags }
    });
    let token = signed(call.param("SigningAlgorithm").unwrap_or_default(), &claims)
        .ok_or_else(|| invalid("Value at 'signingAlgorithm' is not RS256 or ES384"))?;
    Ok(element("WebIdentityToken", &token) + &element("Expiration", &clock::iso((issued + seconds) * 1000)))
}

/// The issuer's public keys and what leads to them; `None` for other paths.
#[must_use]
pub fn published(path: &str, host: &str) -> Option<Response> {
    let document = match path {
        "/.well-known/openid-configuration" => {
            json!({ "issuer": format!("http://{host}"), "jwks_uri": format!("http://{host}/.well-known/jwks.json") })
        }
        "/.well-known/jwks.json" => json!({ "keys": [rsa_key()?, ec_key()?] }),
        _ => return None,
    };
    Some(Response::new(200, "application/json", document.to_string()))
}

fn signed(algorithm: &str, claims: &Value) -> Option<String> {
    let header = json!({ "alg": algorithm, "typ": "JWT", "kid": algorithm });
    let text = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
    let signature = match algorithm {
        "RS256" => {
            let pair = RsaKeyPair::from_der(RSA).ok()?;
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).ok()?;
            signature
        }
        "ES384" => ec_pair()?.sign(&SystemRandom::new(), text.as_bytes()).ok()?.as_ref().to_vec(),
        _ => return None,
    };
    Some(format!("{text}.{}", base64url(&signature)))
}

fn ec_pair() -> Option<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, EC, &SystemRandom::new()).ok()
}

fn rsa_key() -> Option<Value> {
    let pair = RsaKeyPair::from_der(RSA).ok()?;
    let rsa::PublicKeyComponents { n, e } = rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
    Some(json!({ "kty": "RSA", "kid": "RS256", "alg": "RS256", "use": "sig", "n": base64url(&n), "e": base64url(&e) }))
}

/// The public key is a byte that says that both coordinates follow, and the coordinates.
fn ec_key() -> Option<Value> {
    let pair = ec_pair()?;
    let (x, y) = pair.public_key().as_ref().get(1..)?.split_at_checked(48)?;
    Some(
        json!({ "kty": "EC", "crv": "P-384", "kid": "ES384", "alg": "ES384", "use": "sig", "x": base64url(x), "y": base64url(y) }),
    )
}

/// RFC 4648, section 5, without padding.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_usize, |word, byte| word << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(DIGITS[word >> (18 - 6 * place) & 63]));
        }
    }
    text
}
