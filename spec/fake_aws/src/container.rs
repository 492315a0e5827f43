//! The credentials endpoint of ECS tasks and EKS pods: one GET with an authorization token.

use crate::arn::Arn;
use crate::call::Call;
use crate::clock;
use crate::failure::Failure;
use crate::http::Response;
use crate::keys::Principal;
use serde_json::json;

/// # Errors
/// Wrong or missing token.
pub fn answer(call: &mut Call) -> Result<Response, Failure> {
    let Some(container) = call.world.containers.get(&call.request.path).cloned() else {
        return Err(Failure::new(404, "NotFound", "No container has this path"));
    };
    if call.request.method != "GET" {
        return Err(Failure::new(405, "MethodNotAllowed", "Only GET is answered here"));
    }
    if container.authorization_token.as_deref().is_some_and(|token| call.request.header("authorization") != Some(token)) {
        return Err(Failure::new(401, "Unauthorized", "The authorization token is missing or wrong"));
    }
    let principal = Principal::of_role(&container.role, &container.session_name);
    let key = call.issue(principal, container.lifetime_seconds, |_| {});
    let body = json!({
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "Token": key.token(),
        "Expiration": clock::iso(key.expires_ms.unwrap_or_default()),
        "RoleArn": container.role,
        "AccountId": Arn::parse(&container.role).map_or("", |arn| arn.account),
    });
    Ok(Response::json(200, &body))
}

/// Both agents answer errors with an object of code and message.
#[must_use]
pub fn refuse(failure: &Failure) -> Response {
    Response::json(failure.status, &json!({"code": failure.code, "message": failure.message}))
}
