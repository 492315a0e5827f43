//! The service and the action of a request.

use crate::http::{Request, form};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    Sts,
    Imds,
    Container,
    Sso,
    Signin,
    Proxy,
    #[default]
    Unknown,
}

/// Service and action by path; the action of STS is a parameter.
#[must_use]
pub fn route(request: &Request, params: &BTreeMap<String, String>, world: &World) -> (Service, String) {
    let path = request.path.as_str();
    let (service, action) = match path {
        "/" => (Service::Sts, params.get("Action").map_or("", String::as_str)),
        "/federation/credentials" => (Service::Sso, "GetRoleCredentials"),
        _ if path.starts_with("/.well-known/") => (Service::Sts, "PublishedKeys"),
        "/token" => (Service::Sso, "CreateToken"),
        "/v1/token" => (Service::Signin, "CreateOAuth2Token"),
        _ if world.containers.contains_key(path) => (Service::Container, "GetCredentials"),
        _ if path.starts_with("/latest/") => (Service::Imds, crate::imds::action(path)),
        _ => (Service::Unknown, ""),
    };
    (service, action.into())
}

/// The parameters of query, form and JSON object in one map.
#[must_use]
pub fn params(request: &Request) -> BTreeMap<String, String> {
    let mut params: BTreeMap<String, String> = form(&request.query).into_iter().collect();
    let content_type = request.header("content-type").unwrap_or_default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        params.extend(form(&String::from_utf8_lossy(&request.body)));
    } else if content_type.starts_with("application/json")
        && let Ok(Value::Object(object)) = serde_json::from_slice(&request.body)
    {
        let text_of = |value: Value| {
            if let Value::String(text) = value { text } else { value.to_string() }
        };
        params.extend(object.into_iter().map(|(key, value)| (key, text_of(value))));
    }
    params
}
