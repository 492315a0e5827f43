//! The words that a kind of token takes.

use crate::{
    failure::{Failure, Kind},
    layer::{flag, whole_number},
    util::did_you_mean::nearest,
};
use serde_json::{Map, Value};

/// A word of a recipe.
pub(super) struct Word {
    pub name: &'static str,
    pub takes: Takes,
    pub is_required: bool,
}

/// What a word takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Text,
    /// A host name or an address, and nothing beside it.
    Host,
    /// One text or a list of them.
    Texts,
    /// Texts by name.
    Table,
    /// A number of this range.
    Number(u32, u32),
    Flag,
}

impl Takes {
    fn fits(self, value: &Value) -> bool {
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        match self {
            Self::Text => is_text(value),
            Self::Host => is_text(value) && value.as_str().is_some_and(is_host),
            Self::Texts => value
                .as_array()
                .map_or_else(|| is_text(value), |all| all.iter().all(Value::is_string)),
            Self::Table => value
                .as_object()
                .is_some_and(|table| table.values().all(Value::is_string)),
            Self::Number(least, most) => whole_number(value)
                .is_some_and(|number| (u64::from(least)..=u64::from(most)).contains(&number)),
            Self::Flag => flag(value).is_some(),
        }
    }

    fn description(self) -> String {
        match self {
            Self::Text => "a text".into(),
            Self::Host => "a host name alone, without scheme, port and path".into(),
            Self::Texts => "a text or a list of texts".into(),
            Self::Table => "texts by name".into(),
            Self::Number(least, most) => format!("an Integer from {least} to {most}"),
            Self::Flag => "true or false".into(),
        }
    }
}

fn is_host(text: &str) -> bool {
    text.trim()
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

pub(super) const fn required(name: &'static str, takes: Takes) -> Word {
    Word {
        name,
        takes,
        is_required: true,
    }
}

pub(super) const fn optional(name: &'static str, takes: Takes) -> Word {
    Word {
        name,
        takes,
        is_required: false,
    }
}

/// The checked words of a token.
pub(super) struct Words<'a>(&'a Map<String, Value>);

impl<'a> Words<'a> {
    /// # Errors
    /// `Kind::Argument` for words that are unknown, missing or of another type than `taken` says.
    pub(super) fn new(
        kind: &str,
        taken: &[Word],
        words: &'a Map<String, Value>,
    ) -> Result<Self, Failure> {
        check(kind, taken, words)?;
        Ok(Self(words))
    }

    /// The text as it is given: the name of a database user may begin or end with a space.
    pub(super) fn text(&self, name: &str) -> &str {
        let text = self.0.get(name).and_then(Value::as_str);
        text.unwrap_or_default()
    }

    /// A word that takes a host name.
    pub(super) fn host(&self, name: &str) -> &str {
        self.text(name).trim()
    }

    /// The texts of a word that is one text or a list.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let value = self.0.get(name);
        let list = value.and_then(Value::as_array).into_iter().flatten();
        list.chain(value).filter_map(Value::as_str)
    }

    /// The texts of a word by their names.
    pub(super) fn table(&self, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let table = self.0.get(name).and_then(Value::as_object);
        table
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        let number = self.0.get(name).and_then(whole_number)?;
        u32::try_from(number).ok()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(flag) == Some(true)
    }
}

/// Checks that every word is one of the recipe, of its type, and that none is missing.
fn check(kind: &str, taken: &[Word], words: &Map<String, Value>) -> Result<(), Failure> {
    let names = || taken.iter().map(|word| word.name);
    for (name, value) in words {
        let Some(word) = taken.iter().find(|word| word.name == name) else {
            let remedy = match nearest(name, names()) {
                Some(near) => format!("Did you mean {near}?"),
                None if taken.is_empty() => "It takes region alone.".to_owned(),
                None => format!("It takes {}.", names().collect::<Vec<_>>().join(", ")),
            };
            return Err(argument(
                format!("A token of kind {kind} takes no {name:?}."),
                remedy,
            ));
        };
        let may_be_null = !word.is_required;
        let fits = word.takes.fits(value) || (value.is_null() && may_be_null);
        if !fits {
            return Err(argument(
                format!("{name} of a token of kind {kind} is not what it takes."),
                format!("It takes {}.", word.takes.description()),
            ));
        }
    }
    let missing: Vec<_> = taken
        .iter()
        .filter(|word| word.is_required && !words.contains_key(word.name))
        .map(|word| word.name)
        .collect();
    match missing.split_last() {
        None => Ok(()),
        Some((last, before)) => {
            let missing = match before {
                [] => (*last).to_owned(),
                more => format!("{} and {last}", more.join(", ")),
            };
            Err(argument(
                format!("A token of kind {kind} needs {missing}."),
                format!("It takes {}.", names().collect::<Vec<_>>().join(", ")),
            ))
        }
    }
}

/// A failure of what the caller gave.
pub(super) fn argument(cause: String, remedy: impl Into<String>) -> Failure {
    Failure::new(Kind::Argument, cause, remedy)
}
