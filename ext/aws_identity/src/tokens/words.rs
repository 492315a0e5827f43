//! The words that a kind of token takes.

use crate::{
    failure::{Failure, Kind},
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
    /// A number from 1 to this one.
    Number(u32),
    Flag,
}

pub(super) const fn required(name: &'static str) -> Word {
    Word {
        name,
        takes: Takes::Text,
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
pub(super) struct Words<'a> {
    kind: &'static str,
    words: &'a Map<String, Value>,
}

impl<'a> Words<'a> {
    /// # Errors
    /// `Kind::Argument` for words that are unknown, missing or of another type than `taken` says.
    pub(super) fn new(
        kind: &'static str,
        taken: &[Word],
        words: &'a Map<String, Value>,
    ) -> Result<Self, Failure> {
        check(kind, taken, words)?;
        Ok(Self { kind, words })
    }

    pub(super) fn text(&self, name: &str) -> &str {
        let text = self.words.get(name).and_then(Value::as_str);
        text.unwrap_or_default().trim()
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        let number = self.words.get(name)?.as_u64()?;
        u32::try_from(number).ok()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.words.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// A text that is a host name or an address, and nothing beside it.
    pub(super) fn host(&self, name: &str) -> Result<String, Failure> {
        let host = self.text(name);
        let is_host = host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        if is_host {
            return Ok(host.to_owned());
        }
        Err(argument(
            format!("{name} of a token of kind {} is no host name.", self.kind),
            "Give the name alone, without scheme, port and path.",
        ))
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
        let (fits, wanted) = match word.takes {
            Takes::Text => (
                value.as_str().is_some_and(|text| !text.trim().is_empty()),
                "a text".to_owned(),
            ),
            Takes::Flag => (value.is_boolean(), "true or false".to_owned()),
            Takes::Number(most) => (
                value
                    .as_u64()
                    .is_some_and(|number| (1..=u64::from(most)).contains(&number)),
                format!("an Integer from 1 to {most}"),
            ),
        };
        if !fits && (!value.is_null() || word.is_required) {
            return Err(argument(
                format!("{name} of a token of kind {kind} is not what it takes."),
                format!("It takes {wanted}."),
            ));
        }
    }
    match taken
        .iter()
        .find(|word| word.is_required && !words.contains_key(word.name))
    {
        Some(word) => Err(argument(
            format!("A token of kind {kind} needs {}.", word.name),
            format!("Give {}.", word.name),
        )),
        None => Ok(()),
    }
}

/// A failure of what the caller gave.
pub(super) fn argument(cause: String, remedy: impl Into<String>) -> Failure {
    Failure::new(Kind::Argument, cause, remedy)
}
