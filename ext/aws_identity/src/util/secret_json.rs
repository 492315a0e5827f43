//! JSON that holds secrets: never printed, and wiped when it is dropped.

use serde_json::{Map, Value};
use std::fmt;
use zeroize::{Zeroize as _, Zeroizing};

/// A JSON object.
pub struct SecretJson(Map<String, Value>);

impl SecretJson {
    /// `None` for what is not a JSON object.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Some(Self(members)),
            Ok(mut other) => {
                wipe(&mut other);
                None
            }
            Err(_) => None,
        }
    }

    /// An object of texts.
    #[must_use]
    pub fn of(members: &[(&str, &str)]) -> Self {
        let members = members
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Value::from(*text)));
        Self(members.collect())
    }

    /// All members; what is taken out of them is no longer wiped.
    pub fn members(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// The value at `place`: a member, or `object/member`.
    #[must_use]
    pub fn get(&self, place: &str) -> Option<&Value> {
        let mut names = place.split('/');
        let first = self.0.get(names.next()?);
        names.try_fold(first?, |value, name| value.get(name))
    }

    /// The text at `place`; a blank one is absent.
    #[must_use]
    pub fn text(&self, place: &str) -> Option<&str> {
        let text = self.get(place)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Sets a member, or the member of an object that is there.
    pub fn set(&mut self, place: &str, value: &str) {
        let members = match place.split_once('/') {
            None => Some((&mut self.0, place)),
            Some((object, name)) => match self.0.get_mut(object) {
                Some(Value::Object(inner)) => Some((inner, name)),
                _ => None,
            },
        };
        if let Some((members, name)) = members
            && let Some(mut old) = members.insert(name.to_owned(), Value::from(value))
        {
            wipe(&mut old);
        }
    }

    /// Every member, in a buffer that is wiped and has room enough never to grow.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(ESCAPED * size_of(&self.0)));
        // A map of texts can always be written.
        let _ = serde_json::to_writer(&mut *bytes, &self.0);
        bytes
    }
}

impl Drop for SecretJson {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

impl fmt::Debug for SecretJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretJson")
            .field(&self.0.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Overwrites every text in `value`.
pub fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(all) => all.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// At least what `value` takes when it is written, every character escaped, with blanks between the members.
#[must_use]
pub fn room_for(value: &Value) -> usize {
    ESCAPED * size(value)
}

/// The most that a byte takes when it is escaped.
const ESCAPED: usize = 6;

/// At least a sixth of what the members take when they are written, every character escaped.
fn size_of(members: &Map<String, Value>) -> usize {
    members
        .iter()
        .map(|(name, value)| name.len() + size(value))
        .sum()
}

fn size(value: &Value) -> usize {
    const AROUND: usize = 32;
    AROUND
        + match value {
            Value::String(text) => text.len(),
            Value::Array(all) => all.iter().map(size).sum(),
            Value::Object(members) => size_of(members),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_and_set_and_the_others_kept() {
        let text = br#"{"a":{"b":"canary","n":1},"list":[1,"x"],"blank":" "}"#;
        let mut json = SecretJson::parse(text).unwrap();
        assert_eq!(json.text("a/b"), Some("canary"));
        assert_eq!(
            (json.text("a/n"), json.text("blank"), json.text("none/b")),
            (None, None, None)
        );
        assert_eq!(json.get("a/n").and_then(Value::as_i64), Some(1));
        json.set("a/b", "new");
        json.set("c", "d");
        json.set("list/no", "lost");
        let written: Value = serde_json::from_slice(&json.to_bytes()).unwrap();
        let expected = serde_json::json!({"a": {"b": "new", "n": 1}, "list": [1, "x"], "blank": " ", "c": "d"});
        assert_eq!(written, expected);
        assert!(!format!("{json:?}").contains("new"), "{json:?}");
        for other in ["", "[]", "\"canary\"", "{\"a\":", "nul"] {
            assert!(SecretJson::parse(other.as_bytes()).is_none(), "{other}");
        }
    }
}
