//! One layer of options, and typed readers for its values. Blank and null are absent.

use crate::failure::Failure;
use serde_json::{Map, Value};
use std::time::Duration;

/// The layer a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Option,
    Settings,
    Environment(&'static str),
    Default,
}

impl Origin {
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Option => "option".into(),
            Self::Settings => "settings".into(),
            Self::Environment(name) => format!("environment {name}"),
            Self::Default => "default".into(),
        }
    }

    /// How a message calls the option `name` of this layer.
    pub(crate) fn name(self, name: &str) -> String {
        match self {
            Self::Settings => format!("identity.aws.{name}"),
            _ => name.to_owned(),
        }
    }

    /// True for an option and a setting: no other source may serve in place of what they name.
    #[must_use]
    pub fn is_explicit(self) -> bool {
        matches!(self, Self::Option | Self::Settings)
    }
}

/// A value and the layer it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen<T> {
    pub value: T,
    pub origin: Origin,
}

pub(crate) fn chosen<T>(value: T, origin: Origin) -> Chosen<T> {
    Chosen { value, origin }
}

/// The options of one layer as the caller wrote them.
#[derive(Clone, Copy)]
pub struct Layer<'a> {
    pub origin: Origin,
    pub values: &'a Map<String, Value>,
}

impl Layer<'_> {
    /// The value of `name`, unless it is absent, blank, or a reference that counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let value = self.values.get(name)?;
        let blank = match value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            _ => false,
        };
        (!blank && !is_unresolved(value)).then_some(value)
    }

    /// How a message calls `name` of this layer.
    pub(crate) fn label(&self, name: &str) -> String {
        self.origin.name(name)
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
            Some(other) => Err(self.wrong(name, other, "a string")),
        }
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match flag(value) {
                None => Err(self.wrong(name, value, "true or false")),
                found => Ok(found),
            },
        }
    }

    /// A whole number of seconds; a string of digits counts, since resolved references are strings.
    pub fn whole_seconds(&self, name: &str) -> Result<Option<u64>, Failure> {
        self.whole(name, "a whole number of seconds")
    }

    /// A whole number; `expected` says of what.
    pub fn whole(&self, name: &str, expected: &str) -> Result<Option<u64>, Failure> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        whole_number(value)
            .map(Some)
            .ok_or_else(|| self.wrong(name, value, expected))
    }

    /// Seconds, fractions allowed, more than none and at most `most`.
    pub fn duration(&self, name: &str, most: f64) -> Result<Option<Duration>, Failure> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let seconds = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match seconds {
            Some(seconds) if seconds > 0.0 && seconds <= most => {
                Ok(Some(Duration::from_secs_f64(seconds)))
            }
            Some(seconds) => Err(Failure::configuration(
                format!(
                    "{} is {seconds} seconds; it takes more than 0 and at most {most}.",
                    self.label(name)
                ),
                "Give a number in that range.",
            )),
            None => Err(self.wrong(name, value, "a number of seconds")),
        }
    }

    /// A JSON object: text as it is, or a Hash to be written as JSON. `what` says what it is.
    pub fn json_object(&self, name: &str, what: &str) -> Result<Option<String>, Failure> {
        match self.get(name) {
            Some(value @ Value::Object(_)) => Ok(Some(value.to_string())),
            Some(other @ (Value::Array(_) | Value::Number(_) | Value::Bool(_))) => {
                Err(self.wrong(name, other, "a Hash, or JSON text"))
            }
            Some(Value::String(text))
                if serde_json::from_str::<Map<String, Value>>(text).is_err() =>
            {
                Err(Failure::configuration(
                    format!("{} is not a JSON object.", self.label(name)),
                    format!("Give {what} as a Hash or as JSON text."),
                ))
            }
            _ => self.text(name),
        }
    }

    /// A list of strings; one string is a list of one.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.trim().to_owned()]),
            Some(Value::Array(items)) => self.each(name, items, "a list of strings", |item| {
                item.as_str().map(|text| text.trim().to_owned())
            }),
            Some(other) => Err(self.wrong(name, other, "a list of strings")),
        }
    }

    /// A list of strings, each of which may be written as a Hash with nothing but `field`, as
    /// aws-sdk-ruby takes the ARNs of policies.
    pub fn texts_or(&self, name: &str, field: &str) -> Result<Vec<String>, Failure> {
        let Some(Value::Array(items)) = self.get(name) else {
            return self.texts(name);
        };
        let expected = format!("a list of strings, or of Hashes with {field} alone");
        self.each(name, items, &expected, |item| {
            let text = match item {
                Value::Object(fields) if fields.len() == 1 => fields.get(field)?.as_str(),
                other => other.as_str(),
            };
            text.map(|text| text.trim().to_owned())
        })
    }

    /// Pairs, from a Hash (`{key => value}`) or from a list of Hashes with the two given fields.
    pub fn pairs(
        &self,
        name: &str,
        fields: (&str, &str),
    ) -> Result<Vec<(String, String)>, Failure> {
        let expected = format!(
            "a Hash, or a list of Hashes with {} and {}",
            fields.0, fields.1
        );
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Object(pairs)) => {
                let values = self.each(name, pairs.values(), &expected, scalar)?;
                Ok(pairs.keys().cloned().zip(values).collect())
            }
            Some(Value::Array(items)) => self.each(name, items, &expected, |item| {
                let part = |field: &str| item.get(field).and_then(scalar);
                Some((part(fields.0)?, part(fields.1)?))
            }),
            Some(other) => Err(self.wrong(name, other, &expected)),
        }
    }

    /// What `read` makes of each item; the first of another type is named by its place.
    fn each<'v, T>(
        &self,
        name: &str,
        items: impl IntoIterator<Item = &'v Value>,
        expected: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, Failure> {
        let read =
            |(place, item)| read(item).ok_or_else(|| self.wrong_item(name, place, item, expected));
        items.into_iter().enumerate().map(read).collect()
    }

    /// As [`Self::wrong`], for the item at `place` of a list, counted from 0.
    pub(crate) fn wrong_item(
        &self,
        name: &str,
        place: usize,
        item: &Value,
        expected: &str,
    ) -> Failure {
        let given = match item {
            Value::Object(_) => "a Hash of another form",
            Value::String(_) => "a string",
            other => type_of(other),
        };
        Failure::configuration(
            format!(
                "{} takes {expected}, and number {} in it is {given}.",
                self.label(name),
                place + 1
            ),
            "Correct or remove it.",
        )
    }

    /// Says the type that was given, never the value: it could be a secret.
    pub(crate) fn wrong(&self, name: &str, value: &Value, expected: &str) -> Failure {
        Failure::configuration(
            format!(
                "{} takes {expected}, and was given {}.",
                self.label(name),
                type_of(value)
            ),
            "Correct or remove it.",
        )
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "true or false",
        Value::Number(number) => match number.as_f64() {
            Some(below) if below < 0.0 => "a negative number",
            Some(part) if part.fract() != 0.0 => "a fraction",
            _ => "a number",
        },
        Value::String(_) => "a string of another form",
        Value::Array(_) => "an Array",
        Value::Object(_) => "a Hash",
    }
}

/// True where `value`, or anything in it, is a reference `LegionIO` has not resolved yet.
pub(crate) fn is_unresolved(value: &Value) -> bool {
    match value {
        Value::String(text) => ["env://", "vault://", "lease://"]
            .iter()
            .any(|scheme| text.trim_start().starts_with(scheme)),
        Value::Array(items) => items.iter().any(is_unresolved),
        Value::Object(fields) => fields.values().any(is_unresolved),
        _ => false,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A whole number; a string of digits counts, since resolved references are strings, and so does a float without a
/// fraction, as durations of `ActiveSupport` come.
#[must_use]
pub fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64();
            float
                .filter(|n| n.fract() == 0.0 && (0.0..1e15).contains(n))
                .map(whole)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// True or false; as a string too, in any case.
#[must_use]
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => value.as_bool(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the caller has checked that it is whole, not negative and small"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_no_json_is_named_by_its_layer() {
        let values = json!({"policy": "{"});
        let named = |origin| {
            let values = values.as_object().unwrap();
            let policy = Layer { origin, values }.json_object("policy", "an IAM policy");
            policy.unwrap_err().cause
        };
        assert_eq!(named(Origin::Option), "policy is not a JSON object.");
        assert_eq!(
            named(Origin::Settings),
            "identity.aws.policy is not a JSON object."
        );
    }

    #[test]
    fn references_are_found_at_any_depth() {
        assert!(is_unresolved(&json!({"a": [{"b": "vault://x#y"}]})));
        assert!(is_unresolved(&json!("env://AWS_ROLE")));
        assert!(!is_unresolved(&json!({"a": ["https://sts", 1, null]})));
    }
}
