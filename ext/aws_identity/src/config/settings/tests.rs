//! Which layer decides, what is refused, and that no message and no print shows a secret.

mod base;
mod layers_decide;
mod report;
mod roles_and_their_options;
mod scopes;
mod unused_options;
mod what_is_refused;

use super::*;
use crate::{
    config::{CredentialSource, Taker},
    failure::Kind,
};
use serde_json::{Map, json};

const ROLE: &str = "arn:aws:iam::123456789012:role/one";
const OTHER: &str = "arn:aws:iam::123456789012:role/other";
const THIRD: &str = "arn:aws:iam::123456789012:role/third";

fn map(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else {
        panic!("not a Hash: {value}")
    };
    map
}

fn layers(options: Value, settings: Value, environment: &[(&str, &str)]) -> Layers {
    Layers {
        options: map(options),
        settings: map(settings),
        environment: Environment::new(environment.iter().copied()),
        ..Layers::default()
    }
}

fn decide(options: Value, settings: Value, environment: &[(&str, &str)]) -> Settings {
    Settings::new(layers(options, settings, environment)).unwrap()
}

fn options(options: Value) -> Settings {
    decide(options, json!({}), &[])
}

/// The refusal of these options, which shows nothing secret.
fn refused(options: Value) -> Failure {
    failure(options, json!({}), &[])
}

fn failure(options: Value, settings: Value, environment: &[(&str, &str)]) -> Failure {
    let failure = Settings::new(layers(options, settings, environment)).unwrap_err();
    assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    failure
}

fn chain(settings: &Settings) -> &[RoleRequest] {
    match &settings.role.value {
        Role::Chain(chain) => chain,
        other => panic!("no chain: {other:?}"),
    }
}
