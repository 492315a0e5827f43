//! Every option and settings key: the one table, and what happens to a key that is not in it.

use crate::{
    failure::{Failure, Kind, Warning},
    util::did_you_mean::nearest,
};
use serde_json::{Map, Value};

/// One option.
pub struct OptionSpec {
    pub name: &'static str,
    /// Where the option may be given.
    pub place: AllowedIn,
    /// What an unresolved `vault://` reference in it means.
    pub unresolved: WhenUnresolved,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AllowedIn {
    Anywhere,
    /// Only as an explicit option.
    Option,
    /// Only under `identity.aws`; `LegionIO`'s side reads it, not this crate.
    Settings,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WhenUnresolved {
    /// The option could change the identity: every call fails until it is resolved.
    NotReady,
    /// The option cannot change the identity: its default is used until it is resolved.
    Absent,
}

const fn option(name: &'static str, place: AllowedIn, unresolved: WhenUnresolved) -> OptionSpec {
    OptionSpec {
        name,
        place,
        unresolved,
    }
}

use AllowedIn::{Anywhere, Option as OptionOnly, Settings as SettingsOnly};
use WhenUnresolved::{Absent, NotReady};

pub const OPTIONS: &[OptionSpec] = &[
    option("region", Anywhere, Absent),
    option("profile", Anywhere, NotReady),
    option("role_arn", Anywhere, NotReady),
    option("role_session_name", Anywhere, Absent),
    option("session_duration", Anywhere, Absent),
    option("minimum_session_token_size", Anywhere, NotReady),
    option("external_id", Anywhere, NotReady),
    option("policy", Anywhere, NotReady),
    option("policy_arns", Anywhere, NotReady),
    option("tags", Anywhere, NotReady),
    option("transitive_tag_keys", Anywhere, NotReady),
    option("source_identity", Anywhere, NotReady),
    option("serial_number", Anywhere, NotReady),
    option("provided_contexts", Anywhere, NotReady),
    option("source", OptionOnly, NotReady),
    option("token_provider", OptionOnly, NotReady),
    option("web_identity_token", OptionOnly, NotReady),
    option("web_identity_token_file", Anywhere, NotReady),
    option("provider_id", Anywhere, NotReady),
    option("get_session_token", Anywhere, NotReady),
    option("endpoint", Anywhere, NotReady),
    option("ca_bundle", Anywhere, NotReady),
    option("resolve_timeout", Anywhere, Absent),
    option("connect_timeout", Anywhere, Absent),
    option("read_timeout", Anywhere, Absent),
    option("process_timeout", Anywhere, Absent),
    option("token_timeout", Anywhere, Absent),
    option("negative_ttl", Anywhere, Absent),
    option("advisory_window", Anywhere, Absent),
    option("cache", Anywhere, NotReady),
    option("name_with_account", Anywhere, NotReady),
    option("enabled", SettingsOnly, NotReady),
    option("roles", SettingsOnly, NotReady),
    option("broker_bridge", SettingsOnly, NotReady),
];

/// Keys whose misspelling would silently change this process's identity.
const CHOOSE_THE_IDENTITY: [&str; 4] = ["role_arn", "profile", "external_id", "roles"];

#[must_use]
pub fn find(name: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|option| option.name == name)
}

/// Refuses an option that does not exist, and says which one was probably meant.
pub fn check_options(options: &Map<String, Value>) -> Result<(), Failure> {
    for name in options.keys() {
        if find(name).is_some_and(|option| option.place != AllowedIn::Settings) {
            continue;
        }
        let known = OPTIONS
            .iter()
            .filter(|option| option.place != AllowedIn::Settings)
            .map(|option| option.name);
        let hint = nearest(name, known).map_or_else(
            || "See the README for the options there are.".to_owned(),
            |near| format!("Did you mean {near}?"),
        );
        return Err(Failure::new(
            Kind::Argument,
            format!("unknown option {name:?}."),
            hint,
        ));
    }
    Ok(())
}

/// Warns about settings keys that do not exist; refuses those that look like a misspelt choice of
/// identity.
pub fn check_settings(settings: &Map<String, Value>) -> Result<Vec<Warning>, Failure> {
    let mut warnings = Vec::new();
    for name in settings.keys() {
        if find(name).is_some_and(|option| option.place != AllowedIn::Option) {
            continue;
        }
        if let Some(meant) = nearest(name, CHOOSE_THE_IDENTITY.into_iter()) {
            return Err(Failure::configuration(
                format!(
                    "Settings key identity.aws.{name} does not exist, and looks like {meant}, which chooses the identity."
                ),
                format!("Write {meant}, or remove the key."),
            ));
        }
        let known = OPTIONS
            .iter()
            .filter(|option| option.place != AllowedIn::Option)
            .map(|option| option.name);
        warnings.push(Warning {
            cause: format!("Settings key identity.aws.{name} does not exist and is ignored."),
            remedy: nearest(name, known).map_or_else(
                || "Remove it.".to_owned(),
                |near| format!("Did you mean {near}?"),
            ),
        });
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn an_unknown_option_is_refused_with_a_suggestion() {
        let failure = check_options(&map(&json!({"role_arm": "x"}))).unwrap_err();
        assert_eq!(failure.kind, Kind::Argument);
        assert_eq!(
            failure.message(),
            r#"unknown option "role_arm". Did you mean role_arn?"#
        );
        let failure = check_options(&map(&json!({"zzzzzzzz": 1}))).unwrap_err();
        assert!(
            failure.message().contains("README"),
            "{}",
            failure.message()
        );
        assert!(
            check_options(&map(&json!({"roles": {}}))).is_err(),
            "roles is for settings only"
        );
    }

    #[test]
    fn an_unknown_setting_warns_unless_it_resembles_the_identity() {
        let warnings = check_settings(&map(&json!({"regoin": "eu-west-1", "colour": 1}))).unwrap();
        let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            [
                "Settings key identity.aws.colour does not exist and is ignored. Remove it.",
                "Settings key identity.aws.regoin does not exist and is ignored. Did you mean region?",
            ]
        );
        for name in [
            "roleArn",
            "role-arn",
            "role_arm",
            "profil",
            "externalId",
            "role",
        ] {
            assert!(check_settings(&map(&json!({name: "x"}))).is_err(), "{name}");
        }
    }
}
