//! IAM policy documents, as they are shown to be pasted.

use serde_json::{Value, json};

/// A document with one statement, its members in this order, as IAM's own examples have them.
#[must_use]
pub fn document(statement: &[(&str, Value)]) -> String {
    let members: Vec<String> = statement
        .iter()
        .map(|(name, value)| format!("{}:{value}", json!(name)))
        .collect();
    let statement = members.join(",");
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#)
}

/// The member `Action` of a statement.
pub fn action(names: &[impl AsRef<str>]) -> Value {
    match names {
        [only] => json!(only.as_ref()),
        several => several.iter().map(AsRef::as_ref).collect(),
    }
}

/// One that allows a caller these actions, whatever they are called on.
#[must_use]
pub fn allowing(actions: &[&str]) -> String {
    document(&[
        ("Effect", json!("Allow")),
        ("Action", action(actions)),
        ("Resource", json!("*")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_action_is_no_list() {
        assert_eq!(
            allowing(&["sts:A"]),
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:A","Resource":"*"}]}"#
        );
        assert!(allowing(&["sts:A", "sts:B"]).contains(r#""Action":["sts:A","sts:B"],"#));
    }
}
