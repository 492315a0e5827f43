//! `/_control/…`: the API by which a spec in another process changes the world, adds rules and reads the log.

use crate::clock;
use crate::http::{Request, Response, form};
use crate::log::Filter;
use crate::route::Service;
use crate::rules::Rule;
use crate::shared::Shared;
use crate::world::World;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const DEFAULT_WAIT_MS: u64 = 5000;

/// Always JSON; an error in the request is a 400 that names it.
#[must_use]
pub fn answer(shared: &Shared, request: &Request) -> Response {
    let result = dispatch(shared, request);
    result.unwrap_or_else(|message| Response::json(400, &json!({"error": message})))
}

fn dispatch(shared: &Shared, request: &Request) -> Result<Response, String> {
    let query: BTreeMap<String, String> = form(&request.query).into_iter().collect();
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/_control/rules") => add_rules(shared, &request.body),
        ("DELETE", "/_control/rules") => remove_rules(shared, &query),
        ("GET", "/_control/world") => reply(&shared.lock().world),
        ("POST", "/_control/world") => change_world(shared, &query, &request.body),
        ("POST", "/_control/reset") => {
            shared.reset();
            reply(&json!({}))
        }
        ("GET", "/_control/requests") => requests(shared, &query),
        ("DELETE", "/_control/requests") => {
            shared.lock().log.clear();
            reply(&json!({}))
        }
        ("POST", "/_control/credentials") => issue(shared, &request.body),
        (method, path) => Ok(Response::json(404, &json!({"error": format!("no control {method} {path}")}))),
    }
}

fn reply(value: &impl serde::Serialize) -> Result<Response, String> {
    let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
    Ok(Response::json(200, &value))
}

fn parse<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn number<T: std::str::FromStr>(query: &BTreeMap<String, String>, name: &str) -> Result<Option<T>, String> {
    query.get(name).map(|text| text.parse().map_err(|_| format!("{name} must be a number, not {text}"))).transpose()
}

fn add_rules(shared: &Shared, body: &[u8]) -> Result<Response, String> {
    let value: Value = parse(body)?;
    let values = if let Value::Array(values) = value { values } else { vec![value] };
    let rules: Result<Vec<Rule>, _> = values.into_iter().map(serde_json::from_value).collect();
    let rules = rules.map_err(|error| error.to_string())?;
    let mut state = shared.lock();
    let ids: Vec<u64> = rules.into_iter().map(|rule| state.rules.add(rule)).collect();
    reply(&json!({"ids": ids}))
}

fn remove_rules(shared: &Shared, query: &BTreeMap<String, String>) -> Result<Response, String> {
    match number(query, "id")? {
        Some(id) => shared.lock().rules.remove(id),
        None => shared.lock().rules.clear(),
    }
    shared.notify();
    reply(&json!({}))
}

fn change_world(shared: &Shared, query: &BTreeMap<String, String>, body: &[u8]) -> Result<Response, String> {
    let patch: Value = parse(body)?;
    let mut state = shared.lock();
    let base = if query.get("replace").is_some_and(|value| value == "true") { World::default() } else { state.world.clone() };
    state.world = base.merged(&patch).map_err(|error| error.to_string())?;
    reply(&state.world)
}

fn requests(shared: &Shared, query: &BTreeMap<String, String>) -> Result<Response, String> {
    let service =
        query.get("service").map(|text| serde_json::from_value::<Service>(json!(text)).map_err(|error| error.to_string()));
    let filter = Filter { service: service.transpose()?, action: query.get("action").cloned() };
    let count = number(query, "wait")?.unwrap_or(0);
    let limit = Duration::from_millis(number(query, "timeout_ms")?.unwrap_or(DEFAULT_WAIT_MS));
    let (status, entries) = match shared.wait_for_requests(&filter, count, limit) {
        Ok(entries) => (200, entries),
        Err(entries) => (504, entries),
    };
    Ok(Response::json(status, &json!(entries)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    arn: String,
    #[serde(default = "default_session_name")]
    session_name: String,
    #[serde(default = "default_lifetime")]
    lifetime_seconds: i64,
}

fn default_session_name() -> String {
    "control".into()
}

fn default_lifetime() -> i64 {
    3600
}

fn issue(shared: &Shared, body: &[u8]) -> Result<Response, String> {
    let wanted: Wanted = parse(body)?;
    let key = shared.issue(&wanted.arn, &wanted.session_name, wanted.lifetime_seconds);
    reply(&json!({
        "access_key_id": key.id,
        "secret_access_key": key.secret,
        "session_token": key.token,
        "expiration": key.expires_ms.map(clock::iso),
        "arn": key.principal.arn,
    }))
}
