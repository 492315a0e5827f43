//! Authentication of a signed request, with its checks in AWS's order.

use crate::arn::{is_region, partition_of_region};
use crate::clock;
use crate::failure::Failure;
use crate::http::Request;
use crate::keys::{Key, Keys};
use crate::log::Entry;
use crate::sigv4::Authorization;
use crate::world::World;

const TOLERANCE_MS: i64 = 5 * 60 * 1000;

/// The access key id a request names, valid or not.
#[must_use]
pub fn claimed_key(request: &Request) -> Option<String> {
    Authorization::parse(request.header("authorization")?).ok().map(|authorization| authorization.access_key_id)
}

/// The caller's key; the caller's ARN goes into the log.
///
/// # Errors
/// AWS's code and message for what is wrong with the signature.
pub fn authenticate(request: &Request, world: &World, keys: &Keys, now_ms: i64, entry: &mut Entry) -> Result<Key, Failure> {
    let header = request
        .header("authorization")
        .ok_or_else(|| Failure::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token"))?;
    let incomplete = |message: String| Failure::new(400, "IncompleteSignature", message);
    let authorization = Authorization::parse(header).map_err(incomplete)?;
    entry.region = Some(authorization.region.clone());
    let timestamp = request.header("x-amz-date").ok_or_else(|| {
        incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".into())
    })?;
    let signed_ms = clock::parse_basic(timestamp)
        .ok_or_else(|| incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{timestamp}'.")))?;
    check_scope(&authorization, request, timestamp)?;

    let unknown = || Failure::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.");
    let key = keys.find(world, &authorization.access_key_id).ok_or_else(unknown)?;
    if request.header("x-amz-security-token") != key.token.as_deref() {
        return Err(unknown());
    }
    // Each partition has its own keys: they do not exist in the others.
    if partition_of_region(&authorization.region) != key.principal.partition {
        return Err(unknown());
    }
    check_skew(signed_ms, now_ms)?;
    if authorization.expected_signature(request, &key.secret, timestamp) != authorization.signature {
        return Err(mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
             and signing method. Consult the service documentation for details.",
        ));
    }
    if key.expires_ms.is_some_and(|expires| now_ms >= expires) {
        return Err(Failure::new(403, "ExpiredToken", "The security token included in the request is expired"));
    }
    entry.principal = Some(key.principal.arn.clone());
    Ok(key)
}

fn mismatch(message: impl Into<String>) -> Failure {
    Failure::new(403, "SignatureDoesNotMatch", message)
}

fn check_scope(authorization: &Authorization, request: &Request, timestamp: &str) -> Result<(), Failure> {
    let Authorization { date, region, service, terminator, signed_headers, .. } = authorization;
    if !timestamp.starts_with(date.as_str()) || date.len() != 8 {
        return Err(mismatch(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}' != '{}', from '{timestamp}'.",
            &timestamp[..8]
        )));
    }
    if !is_region(region) || endpoint_region(request).is_some_and(|wanted| wanted != *region) {
        return Err(mismatch(format!("Credential should be scoped to a valid region, not '{region}'. ")));
    }
    if service != "sts" {
        return Err(mismatch(format!("Credential should be scoped to correct service: 'sts', not '{service}'. ")));
    }
    if terminator != "aws4_request" {
        return Err(mismatch(format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'."
        )));
    }
    let must_be_signed = |name: &str| name == "host" || name.starts_with("x-amz-");
    for (name, _) in request.headers.iter().filter(|(name, _)| must_be_signed(name)) {
        if !signed_headers.contains(name) {
            return Err(mismatch(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")));
        }
    }
    if !signed_headers.iter().any(|name| name == "host") {
        return Err(mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization."));
    }
    Ok(())
}

/// The region in a real host name, which clients reach through the proxy.
fn endpoint_region(request: &Request) -> Option<String> {
    let host = request.header("host")?.split(':').next()?;
    let rest = host.strip_prefix("sts.").or_else(|| host.strip_prefix("sts-fips."))?;
    let region = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().find_map(|suffix| rest.strip_suffix(suffix));
    match region {
        None if rest == "amazonaws.com" => Some("us-east-1".into()),
        region => region.map(str::to_owned),
    }
}

fn check_skew(signed_ms: i64, now_ms: i64) -> Result<(), Failure> {
    let (signed, now) = (clock::basic(signed_ms), clock::basic(now_ms));
    if signed_ms < now_ms - TOLERANCE_MS {
        let limit = clock::basic(now_ms - TOLERANCE_MS);
        return Err(mismatch(format!("Signature expired: {signed} is now earlier than {limit} ({now} - 5 min.)")));
    }
    if signed_ms > now_ms + TOLERANCE_MS {
        let limit = clock::basic(now_ms + TOLERANCE_MS);
        return Err(mismatch(format!("Signature not yet current: {signed} is still later than {limit} ({now} + 5 min.)")));
    }
    Ok(())
}
