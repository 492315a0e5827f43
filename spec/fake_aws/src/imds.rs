//! EC2's instance metadata, version 2 only: no token, no answer.

use crate::arn::Arn;
use crate::clock;
use crate::failure::Failure;
use crate::http::Response;
use crate::keys::Principal;
use crate::random;
use crate::visit::Visit;
use serde_json::json;

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const LONGEST_TOKEN: i64 = 21_600;

/// What the log and the rules call a path.
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
pub fn answer(visit: &mut Visit) -> Result<Response, Failure> {
    let refused = |status: u16, message: &str| Err(Failure::new(status, "", message));
    // A forwarded request comes from a proxy that leaks the instance's credentials.
    if !visit.world.imds.enabled || visit.request.header("x-forwarded-for").is_some() {
        return refused(403, "Forbidden");
    }
    let action = action(&visit.request.path);
    if action == "Token" {
        return if visit.request.method == "PUT" { new_token(visit) } else { refused(405, "Method Not Allowed") };
    }
    let token = visit.request.header("x-aws-ec2-metadata-token").unwrap_or_default();
    if visit.imds_tokens.get(token).is_none_or(|ends| visit.now_ms >= *ends) {
        return refused(401, "Unauthorized");
    }
    if visit.request.method != "GET" {
        return refused(405, "Method Not Allowed");
    }
    let imds = &visit.world.imds;
    let role_name = imds.role.as_deref().and_then(Arn::parse).map(|arn| arn.name().to_owned());
    let text = match action {
        "Region" => imds.region.clone(),
        "AvailabilityZone" => imds.availability_zone.clone(),
        "InstanceId" => imds.instance_id.clone(),
        "IdentityDocument" => identity_document(visit),
        "ListRoles" if role_name.is_some() => role_name.unwrap_or_default(),
        "Credentials" if role_name.as_deref() == visit.request.path.strip_prefix(ROLES) => credentials(visit),
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

fn new_token(visit: &mut Visit) -> Result<Response, Failure> {
    const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
    let seconds = visit.request.header(TTL).and_then(|text| text.parse::<i64>().ok());
    let Some(seconds) = seconds.filter(|seconds| (1..=LONGEST_TOKEN).contains(seconds)) else {
        return Err(Failure::new(400, "", "Bad Request"));
    };
    let token = random::bearer_token();
    let now_ms = visit.now_ms;
    visit.imds_tokens.retain(|_, ends| *ends > now_ms);
    visit.imds_tokens.insert(token.clone(), now_ms + seconds * 1000);
    Ok(Response::new(200, "text/plain", token).with(TTL, seconds.to_string()))
}

/// A new set at each question: a spec sees a refresh by its key.
fn credentials(visit: &mut Visit) -> String {
    let imds = visit.world.imds.clone();
    let principal = Principal::of_role(imds.role.as_deref().unwrap_or_default(), &imds.instance_id);
    let now_ms = visit.now_ms;
    let key = visit.issue(principal, imds.lifetime_seconds, |_| {});
    let expires_ms = if imds.expired_set { now_ms - 60_000 } else { key.expires_ms.unwrap_or_default() };
    let set = json!({
        "Code": "Success",
        "LastUpdated": clock::iso(now_ms),
        "Type": "AWS-HMAC",
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "Token": key.token(),
        "Expiration": clock::iso(expires_ms),
    });
    format!("{set:#}")
}

fn identity_document(visit: &Visit) -> String {
    let imds = &visit.world.imds;
    let account = imds.role.as_deref().and_then(Arn::parse).map_or(crate::world::ACCOUNT, |arn| arn.account);
    let document = json!({
        "accountId": account,
        "architecture": "x86_64",
        "availabilityZone": imds.availability_zone,
        "imageId": "ami-0123456789abcdef0",
        "instanceId": imds.instance_id,
        "instanceType": "t3.micro",
        "pendingTime": clock::iso(visit.now_ms - 86_400_000),
        "privateIp": "10.0.0.10",
        "region": imds.region,
        "version": "2017-09-30",
    });
    format!("{document:#}")
}
