//! AWS Sign-In: new credentials of a console session for a refresh token, with a proof by the key of the login (RFC 9449).

use crate::call::Call;
use crate::failure::Failure;
use crate::http::{Request, Response};
use crate::keys::Principal;
use crate::random;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

/// A proof may be that old, or that far ahead of the service's clock.
const PROOF_AGE_SECONDS: i64 = 300;

/// # Errors
/// The codes of OAuth.
pub fn answer(call: &mut Call) -> Result<Response, Failure> {
    if call.request.method != "POST" {
        return Err(Failure::new(405, "invalid_request", "CreateOAuth2Token is POSTed"));
    }
    let text = |name: &str| call.param(name).unwrap_or_default().to_owned();
    if text("grantType") != "refresh_token" {
        return Err(Failure::new(400, "unsupported_grant_type", "Only refresh_token is known here"));
    }
    let (client, sent) = (text("clientId"), text("refreshToken"));
    let (x, id) = proven(call.request, call.now_ms / 1000)
        .map_err(|why| Failure::new(400, "INVALID_REQUEST", format!("DPoP proof: {why}")))?;
    let signin = &mut call.world.signin;
    let seconds = call.lifetime_seconds.unwrap_or(signin.lifetime_seconds);
    let found = signin.sessions.iter_mut().find(|(_, session)| session.refresh_token == sent && session.client_id == client);
    let (user, session) = found.ok_or_else(|| Failure::new(400, "INVALID_REQUEST", "Invalid refresh token"))?;
    if session.key_x != x || session.used_proofs.contains(&id) {
        return Err(Failure::new(400, "INVALID_REQUEST", "DPoP proof: not of this login, or used before"));
    }
    session.used_proofs.push(id);
    session.refresh_token = random::bearer_token();
    let refresh = session.refresh_token.clone();
    let principal = Principal::of_user(user, None);
    call.entry.principal = Some(user.clone());
    let key = call.issue(principal, seconds, |_| {});
    Ok(Response::json(
        200,
        &json!({
            "accessToken": { "accessKeyId": key.id, "secretAccessKey": key.secret, "sessionToken": key.token() },
            "tokenType": "aws_sigv4",
            "expiresIn": seconds,
            "refreshToken": refresh,
        }),
    ))
}

#[must_use]
pub fn refuse(failure: &Failure) -> Response {
    Response::json(failure.status, &json!({"error": failure.code, "message": failure.message}))
}

/// The x coordinate of the key that signed the proof for this very request, and the proof's id.
fn proven(request: &Request, now: i64) -> Result<(String, String), String> {
    let proof = request.header("dpop").ok_or("none")?;
    let (message, signature) = proof.rsplit_once('.').ok_or("no JWT")?;
    let (header, payload) = message.split_once('.').ok_or("no JWT")?;
    let read = |part: &str| serde_json::from_slice::<Value>(&base64_url(part)?).map_err(|error| error.to_string());
    let (header, payload) = (read(header)?, read(payload)?);
    if (header["typ"].as_str(), header["alg"].as_str()) != (Some("dpop+jwt"), Some("ES256")) {
        return Err("typ or alg".into());
    }
    let coordinate = |name: &str| header["jwk"][name].as_str().ok_or_else(|| format!("no {name}"));
    let (x, y) = (coordinate("x")?, coordinate("y")?);
    let point = [&[4][..], &base64_url(x)?, &base64_url(y)?].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(message.as_bytes(), &base64_url(signature)?)
        .map_err(|_| "its signature")?;
    let url = payload["htu"].as_str().unwrap_or_default();
    let host = request.header("host").unwrap_or_default();
    if payload["htm"] != "POST"
        || ![format!("https://{host}{}", request.path), format!("http://{host}{}", request.path)].contains(&url.to_owned())
    {
        return Err(format!("for {url}"));
    }
    if payload["iat"].as_i64().is_none_or(|at| (now - at).abs() > PROOF_AGE_SECONDS) {
        return Err("its time".into());
    }
    let id = payload["jti"].as_str().filter(|id| id.len() >= 16).ok_or("no jti")?;
    Ok((x.to_owned(), id.to_owned()))
}

/// Without padding.
fn base64_url(text: &str) -> Result<Vec<u8>, String> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0, 0_u32);
    for c in text.bytes() {
        let digit = DIGITS.iter().position(|digit| *digit == c).ok_or("no base64url")?;
        held = held << 6 | u32::try_from(digit).unwrap_or(0);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap_or(0));
        }
    }
    Ok(bytes)
}
