//! The settings in force, as a user may see them.

use super::{Base, Role, Settings, TokenSource, options::OPTIONS};
use crate::{
    http,
    layer::{Chosen, Origin, chosen},
    sts::{Scope, limits::DEFAULT_ROLE_SECONDS},
};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

impl Settings {
    /// Every option in force and the layer it came from, in the order of the table. A secret is "set".
    ///
    /// Region, profile, role and whatever has a default are always there, every other where it is given.
    #[must_use]
    pub fn report(&self) -> Vec<(&'static str, Value, Origin)> {
        OPTIONS
            .iter()
            .filter_map(|option| {
                let Chosen { value, origin } = self.reported(option.name)?;
                Some((option.name, value, origin))
            })
            .collect()
    }

    fn reported(&self, name: &str) -> Option<Chosen<Value>> {
        match name {
            "region" => Some(or_null(self.region.as_ref())),
            "profile" => Some(or_null(self.profile.as_ref())),
            "role_arn" => Some(shown(&self.role, role)),
            "token_provider" => self.token_provider.then(set),
            "source"
            | "access_key_id"
            | "secret_access_key"
            | "session_token"
            | "credential_source"
            | "credential_process"
            | "web_identity_token"
            | "web_identity_token_file" => {
                let base = self.base.as_ref()?;
                base_option(&base.value, name).map(|value| chosen(value, base.origin))
            }
            "provider_id" => given(self.provider_id.as_ref(), |id| json!(id)),
            "scope_policy" => given(self.scope.as_ref(), |scope| json!(scope.policy)),
            "scope_duration" => self.scope_option(|scope| scope.duration_seconds.map(Value::from)),
            "scope_description" => {
                self.scope_option(|scope| scope.description.clone().map(Value::from))
            }
            "get_session_token" => Some(shown(&self.get_session_token, |flag| json!(flag))),
            "endpoint" => given(self.endpoint.as_ref(), |url| {
                http::shown_url(url.expose()).into()
            }),
            "ca_bundle" => given(self.ca_bundle.as_ref(), |file| path(file)),
            "resolve_timeout" => Some(shown(&self.resolve_timeout, seconds)),
            "connect_timeout" => Some(shown(&self.connect_timeout, seconds)),
            "read_timeout" => Some(shown(&self.read_timeout, seconds)),
            "process_timeout" => Some(shown(&self.process_timeout, seconds)),
            "token_timeout" => Some(shown(&self.token_timeout, seconds)),
            "negative_ttl" => Some(shown(&self.negative_ttl, seconds)),
            "advisory_window" => given(self.advisory_window.as_ref(), seconds),
            "cache" => Some(shown(&self.cache, |folder| {
                folder.as_deref().map_or(json!(false), path)
            })),
            "name_with_account" => Some(shown(&self.name_with_account, |flag| json!(flag))),
            "enabled" => self.enabled.clone(),
            "roles" => self.roles.clone(),
            "broker_bridge" => self.broker_bridge.clone(),
            "sdk_default" => self.sdk_default.clone(),
            "tokens" => self.tokens.clone(),
            "vault" => self.vault.clone(),
            _ => self.role_option(name),
        }
    }

    fn scope_option(&self, read: impl Fn(&Scope) -> Option<Value>) -> Option<Chosen<Value>> {
        let scope = self.scope.as_ref()?;
        read(&scope.value).map(|value| chosen(value, scope.origin))
    }

    /// An option of the role, from the first layer that gives it.
    fn role_option(&self, name: &str) -> Option<Chosen<Value>> {
        let found = self.role_options.iter().find_map(|layer| {
            let options = layer.value.report();
            let (_, value) = options.into_iter().find(|(option, _)| *option == name)?;
            (!value.is_null()).then(|| chosen(value, layer.origin))
        });
        let default = || chosen(json!(DEFAULT_ROLE_SECONDS), Origin::Default);
        found.or_else(|| (name == "session_duration").then(default))
    }
}

/// What `base` shows of the option `name`; `None` if it is another one's.
fn base_option(base: &Base, name: &str) -> Option<Value> {
    let set = || json!("set");
    match (base, name) {
        (Base::Supplied, "source")
        | (Base::Keys(_), "secret_access_key")
        | (Base::Process(_), "credential_process")
        | (Base::WebIdentity(TokenSource::Text(_) | TokenSource::Supplied), "web_identity_token") => {
            Some(set())
        }
        (Base::Keys(keys), "access_key_id") => Some(json!(keys.access_key_id)),
        (Base::Keys(keys), "session_token") => keys.session_token.as_ref().map(|_| set()),
        (Base::Source(source), "credential_source") => Some(json!(source.as_str())),
        (Base::WebIdentity(TokenSource::File(file)), "web_identity_token_file") => Some(path(file)),
        _ => None,
    }
}

fn shown<T>(setting: &Chosen<T>, show: impl FnOnce(&T) -> Value) -> Chosen<Value> {
    chosen(show(&setting.value), setting.origin)
}

fn given<T>(setting: Option<&Chosen<T>>, show: impl FnOnce(&T) -> Value) -> Option<Chosen<Value>> {
    setting.map(|setting| shown(setting, show))
}

fn or_null(setting: Option<&Chosen<String>>) -> Chosen<Value> {
    given(setting, |text| json!(text)).unwrap_or(chosen(Value::Null, Origin::Default))
}

/// A value that only an option can give and that a report does not show.
fn set() -> Chosen<Value> {
    chosen("set".into(), Origin::Option)
}

fn path(path: &Path) -> Value {
    path.to_string_lossy().into()
}

fn seconds(duration: &Duration) -> Value {
    json!(duration.as_secs_f64())
}

fn role(role: &Role) -> Value {
    match role {
        Role::Unset => Value::Null,
        Role::Off => Value::Bool(false),
        Role::Chain(chain) => {
            let arns: Vec<&str> = chain.iter().map(|role| role.role_arn.as_str()).collect();
            arns.join(", ").into()
        }
    }
}
