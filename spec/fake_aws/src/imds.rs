//! EC2's instance metadata, version 2 only: no token, no answer.

use crate::arn::Arn;
use crate::call::Call;
use crate::clock;
use crate::failure::Failure;
use crate::http::Response;
use crate::keys::Principal;
use crate::random;
use serde_json::json;

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const LONGEST_TOKEN: i64 = 21_600;

/// The action of a path in the log and the rules.
#[must_use]
pub fn action(path: &str) -> &'static str {
    match path {
        "/latest/api/token" => "Token",
        "/latest/meta-data/placement/region" => "Region",
        "/latest/meta-data/placement/availability-zone" => "AvailabilityZone",
        "/latest/meta-data/instance-id" => "InstanceId",
        "/latest/dynamic/instance-identity/document" => "IdentityDocument",
        _ if path == ROLES || path == ROLES.trim_end_matches('/') => "ListRoles",
        _ if path.starts_with(ROLES) => "Credentials",
        _ => "Other",
    }
}

/// # Errors
/// The status IMDS answers with.
pub fn answer(call: &mut Call) -> Result<Response, Failure> {
    let refused = |status: u16, message: &str| Err(Failure::new(status, "", message));
    // A forwarded request comes through a proxy, which could leak the instance's credentials.
    if !call.world.imds.enabled || call.request.header("x-forwarded-for").is_some() {
        return refused(403, "Forbidden");
    }
    let action = action(&call.request.path);
    if action == "Token" {
        return if call.request.method == "PUT" { new_token(call) } else { refused(405, "Method Not Allowed") };
    }
    let token = call.request.header("x-aws-ec2-metadata-token").unwrap_or_default();
    if call.imds_tokens.get(token).is_none_or(|expires| call.now_ms >= *expires) {
        return refused(401, "Unauthorized");
    }
    if call.request.method != "GET" {
        return refused(405, "Method Not Allowed");
    }
    let imds = &call.world.imds;
    let role_name = imds.role.as_deref().and_then(Arn::parse).map(|arn| arn.name().to_owned());
    let text = match action {
        "Region" => imds.region.clone(),
        "AvailabilityZone" => imds.availability_zone.clone(),
        "InstanceId" => imds.instance_id.clone(),
        "IdentityDocument" => identity_document(call),
        "ListRoles" if role_name.is_some() => role_name.unwrap_or_default(),
        "Credentials" if role_name.as_deref() == call.request.path.strip_prefix(ROLES) => credentials(call),
        _ => return refused(404, "Not Found"),
    };
    Ok(Response::new(200, "text/plain", text))
}

/// IMDS answers errors with a page.
#[must_use]
pub fn refuse(failure: &Failure) -> Response {
    let page = format!(
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html>\n <head><title>{0} - {1}</title></head>\n <body><h1>{0} - {1}</h1></body>\n</html>\n",
        failure.status, failure.message
    );
    Response::new(failure.status, "text/html", page)
}

fn new_token(call: &mut Call) -> Result<Response, Failure> {
    const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
    let seconds = call.request.header(TTL).and_then(|text| text.parse::<i64>().ok());
    let Some(seconds) = seconds.filter(|seconds| (1..=LONGEST_TOKEN).contains(seconds)) else {
        return Err(Failure::new(400, "", "Bad Request"));
    };
    let token = random::bearer_token();
    let now_ms = call.now_ms;
    call.imds_tokens.retain(|_, expires| *expires > now_ms);
    call.imds_tokens.insert(token.clone(), now_ms + seconds * 1000);
    Ok(Response::new(200, "text/plain", token).with(TTL, seconds.to_string()))
}

/// New credentials at each request, so that a spec recognizes a refresh by the key.
fn credentials(call: &mut Call) -> String {
    let imds = call.world.imds.clone();
    let principal = Principal::of_role(imds.role.as_deref().unwrap_or_default(), &imds.instance_id);
    let now_ms = call.now_ms;
    let key = call.issue(principal, imds.lifetime_seconds, |_| {});
    let expires_ms = if imds.expired_credentials { now_ms - 60_000 } else { key.expires_ms.unwrap_or_default() };
    let body = json!({
        "Code": "Success",
        "LastUpdated": clock::iso(now_ms),
        "Type": "AWS-HMAC",
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "Token": key.token(),
        "Expiration": clock::iso(expires_ms),
    });
    format!("{body:#}")
}

fn identity_document(call: &Call) -> String {
    let imds = &call.world.imds;
    let account = imds.role.as_deref().and_then(Arn::parse).map_or(crate::world::ACCOUNT, |arn| arn.account);
    let document = json!({
        "accountId": account,
        "architecture": "x86_64",
        "availabilityZone": imds.availability_zone,
        "imageId": "ami-0123456789abcdef0",
        "instanceId": imds.instance_id,
        "instanceType": "t3.micro",
        "pendingTime": clock::iso(call.now_ms - 86_400_000),
        "privateIp": "10.0.0.10",
        "region": imds.region,
        "version": "2017-09-30",
    });
    format!("{document:#}")
}
