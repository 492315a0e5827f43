//! IAM Identity Center: role credentials for a bearer token, and a new token for a refresh token.

use crate::call::Call;
use crate::failure::Failure;
use crate::http::Response;
use crate::keys::Principal;
use crate::random;
use serde_json::json;

/// # Errors
/// The service's own codes.
pub fn answer(call: &mut Call, action: &str) -> Result<Response, Failure> {
    match (action, call.request.method.as_str()) {
        ("GetRoleCredentials", "GET") => get_role_credentials(call),
        ("CreateToken", "POST") => create_token(call),
        (_, method) => Err(Failure::new(405, "MethodNotAllowed", format!("{action} does not take {method}"))),
    }
}

/// The portal sends its codes in a header, OIDC in the body as OAuth does.
#[must_use]
pub fn refuse(failure: &Failure, action: &str) -> Response {
    let body = if action == "CreateToken" {
        json!({"error": oauth_code(&failure.code), "error_description": failure.message})
    } else {
        json!({"message": failure.message, "__type": failure.code})
    };
    Response::json(failure.status, &body).with("x-amzn-ErrorType", failure.code.as_str())
}

/// OAuth's form of a code: `InvalidGrantException` is `invalid_grant`.
fn oauth_code(code: &str) -> String {
    let name = code.strip_suffix("Exception").unwrap_or(code);
    let mut text = String::new();
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

fn get_role_credentials(call: &mut Call) -> Result<Response, Failure> {
    let bearer = call.request.header("x-amz-sso_bearer_token").unwrap_or_default().to_owned();
    let (Some(role_name), Some(account)) = (call.param("role_name"), call.param("account_id")) else {
        return Err(Failure::new(400, "InvalidRequestException", "role_name and account_id are required"));
    };
    let wanted = format!("{account}/{role_name}");
    let session = call.world.sso.sessions.iter().find(|(_, session)| session.access_tokens.contains(&bearer));
    let (user, session) =
        session.ok_or_else(|| Failure::new(401, "UnauthorizedException", "Session token not found or invalid"))?;
    let role = session.roles.get(&wanted).ok_or_else(|| Failure::new(403, "ForbiddenException", "No access"))?;
    let principal = Principal::of_role(role, user);
    let seconds = call.world.sso.lifetime_seconds;
    call.entry.principal = Some(user.clone());
    let key = call.issue(principal, seconds, |_| {});
    let body = json!({"roleCredentials": {
        "accessKeyId": key.id,
        "secretAccessKey": key.secret,
        "sessionToken": key.token(),
        "expiration": key.expires_ms,
    }});
    Ok(Response::json(200, &body))
}

fn create_token(call: &mut Call) -> Result<Response, Failure> {
    let sso = &call.world.sso;
    let text = |name: &str| call.param(name).unwrap_or_default().to_owned();
    if text("grantType") != "refresh_token" {
        let message = "Only the grant type refresh_token is known here";
        return Err(Failure::new(400, "UnsupportedGrantTypeException", message));
    }
    if text("clientId") != sso.client_id || text("clientSecret") != sso.client_secret {
        return Err(Failure::new(401, "InvalidClientException", "Invalid client credentials"));
    }
    let (sent, seconds) = (text("refreshToken"), call.lifetime_seconds.unwrap_or(sso.token_lifetime_seconds));
    let (access, refresh) = (random::bearer_token(), random::bearer_token());
    let session = call.world.sso.sessions.iter_mut().find(|(_, session)| session.refresh_tokens.contains(&sent));
    let (user, session) = session.ok_or_else(|| Failure::new(400, "InvalidGrantException", "Invalid refresh token provided"))?;
    session.refresh_tokens.retain(|token| *token != sent);
    session.refresh_tokens.push(refresh.clone());
    session.access_tokens.push(access.clone());
    call.entry.principal = Some(user.clone());
    let token = json!({"accessToken": access, "tokenType": "Bearer", "expiresIn": seconds, "refreshToken": refresh});
    Ok(Response::json(200, &token))
}
