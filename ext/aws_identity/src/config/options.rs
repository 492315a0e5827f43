//! Every option and settings key there is: the one table, and what happens to a word not in it.

use crate::failure::{Failure, Kind};
use serde_json::{Map, Value};

/// One option.
pub struct Word {
    pub name: &'static str,
    /// Where it may stand.
    pub place: Place,
    /// What an unresolved `vault://` reference in it means.
    pub unresolved: Unresolved,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Anywhere,
    /// Only as an explicit option.
    Option,
    /// Only under `identity.aws`; the host reads it, not this crate.
    Settings,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unresolved {
    /// It could change who we are: nothing works until it is resolved.
    NotReady,
    /// It cannot: the default serves meanwhile.
    Absent,
}

const fn word(name: &'static str, place: Place, unresolved: Unresolved) -> Word {
    Word {
        name,
        place,
        unresolved,
    }
}

use Place::{Anywhere, Option as OptionOnly, Settings as SettingsOnly};
use Unresolved::{Absent, NotReady};

pub const WORDS: &[Word] = &[
    word("region", Anywhere, Absent),
    word("profile", Anywhere, NotReady),
    word("role_arn", Anywhere, NotReady),
    word("role_session_name", Anywhere, Absent),
    word("session_duration", Anywhere, Absent),
    word("external_id", Anywhere, NotReady),
    word("policy", Anywhere, NotReady),
    word("policy_arns", Anywhere, NotReady),
    word("tags", Anywhere, NotReady),
    word("transitive_tag_keys", Anywhere, NotReady),
    word("source_identity", Anywhere, NotReady),
    word("serial_number", Anywhere, NotReady),
    word("provided_contexts", Anywhere, NotReady),
    word("source", OptionOnly, NotReady),
    word("token_provider", OptionOnly, NotReady),
    word("web_identity_token", OptionOnly, NotReady),
    word("web_identity_token_file", Anywhere, NotReady),
    word("provider_id", Anywhere, NotReady),
    word("get_session_token", Anywhere, NotReady),
    word("endpoint", Anywhere, NotReady),
    word("ca_bundle", Anywhere, NotReady),
    word("resolve_timeout", Anywhere, Absent),
    word("connect_timeout", Anywhere, Absent),
    word("read_timeout", Anywhere, Absent),
    word("process_timeout", Anywhere, Absent),
    word("token_timeout", Anywhere, Absent),
    word("negative_ttl", Anywhere, Absent),
    word("advisory_window", Anywhere, Absent),
    word("cache", Anywhere, NotReady),
    word("name_with_account", Anywhere, NotReady),
    word("enabled", SettingsOnly, NotReady),
    word("roles", SettingsOnly, NotReady),
    word("broker_bridge", SettingsOnly, NotReady),
];

/// Keys whose misspelling would silently make this process somebody else.
const CHOOSE_THE_IDENTITY: [&str; 4] = ["role_arn", "profile", "external_id", "roles"];

#[must_use]
pub fn find(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.name == name)
}

/// Refuses an option that does not exist, and says which one was probably meant.
pub fn check_options(options: &Map<String, Value>) -> Result<(), Failure> {
    for name in options.keys() {
        if find(name).is_some_and(|word| word.place != Place::Settings) {
            continue;
        }
        let known = WORDS
            .iter()
            .filter(|word| word.place != Place::Settings)
            .map(|word| word.name);
        let hint = nearest(name, known).map_or_else(
            || "See the README for the options there are.".to_owned(),
            |near| format!("Did you mean {near}?"),
        );
        return Err(Failure::new(
            Kind::Argument,
            format!("unknown option {name:?}. {hint}"),
        ));
    }
    Ok(())
}

/// Warns about settings keys that do not exist; refuses those that look like a misspelt choice of
/// identity.
pub fn check_settings(settings: &Map<String, Value>) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    for name in settings.keys() {
        if find(name).is_some_and(|word| word.place != Place::Option) {
            continue;
        }
        if let Some(meant) = nearest(name, CHOOSE_THE_IDENTITY.into_iter()) {
            return Err(Failure::configuration(format!(
                "Settings key identity.aws.{name} does not exist, and looks like {meant}, which chooses the identity. \
                 Write {meant}, or remove the key."
            )));
        }
        let known = WORDS
            .iter()
            .filter(|word| word.place != Place::Option)
            .map(|word| word.name);
        let hint =
            nearest(name, known).map_or_else(String::new, |near| format!(" Did you mean {near}?"));
        warnings.push(format!(
            "Settings key identity.aws.{name} does not exist and is ignored.{hint}"
        ));
    }
    Ok(warnings)
}

/// The known word closest to `name`: the same but for case and separators, or at most a third of
/// its letters away.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = letters(name);
    known
        .map(|word| (distance(&plain, &letters(word)), word))
        .filter(|(distance, word)| *distance * 3 <= letters(word).len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

fn letters(name: &str) -> Vec<char> {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .take(64) // a key of a thousand letters resembles nothing
        .flat_map(char::to_lowercase)
        .collect()
}

/// Levenshtein's distance.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

/// True where `value`, or anything in it, is a reference the host has not resolved yet.
pub fn is_unresolved(value: &Value) -> bool {
    match value {
        Value::String(text) => ["env://", "vault://", "lease://"]
            .iter()
            .any(|scheme| text.trim_start().starts_with(scheme)),
        Value::Array(items) => items.iter().any(is_unresolved),
        Value::Object(fields) => fields.values().any(is_unresolved),
        _ => false,
    }
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
            failure.message,
            r#"unknown option "role_arm". Did you mean role_arn?"#
        );
        let failure = check_options(&map(&json!({"zzzzzzzz": 1}))).unwrap_err();
        assert!(failure.message.contains("README"), "{}", failure.message);
        assert!(
            check_options(&map(&json!({"roles": {}}))).is_err(),
            "roles is for settings only"
        );
    }

    #[test]
    fn an_unknown_setting_warns_unless_it_resembles_the_identity() {
        let warnings = check_settings(&map(&json!({"regoin": "eu-west-1", "colour": 1}))).unwrap();
        assert_eq!(
            warnings,
            [
                "Settings key identity.aws.colour does not exist and is ignored.",
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

    #[test]
    fn references_are_found_at_any_depth() {
        assert!(is_unresolved(&json!({"a": [{"b": "vault://x#y"}]})));
        assert!(is_unresolved(&json!("env://AWS_ROLE")));
        assert!(!is_unresolved(&json!({"a": ["https://sts", 1, null]})));
    }
}
