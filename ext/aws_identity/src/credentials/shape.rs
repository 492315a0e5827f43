//! Defects of a key pair that can be seen without AWS: quotes, blanks, characters that no key has, and a
//! temporary key without its session token.

use super::{Credentials, Secret};
use crate::failure::Warning;

const ID: &str = "access key id";

impl Credentials {
    /// What is odd about the shape of key id, secret and token. Never shows a secret.
    #[must_use]
    pub fn oddities(&self) -> Vec<Warning> {
        let token = self.session_token.as_ref().map(Secret::expose);
        let mut all: Vec<Warning> = [
            (ID, Some(self.access_key_id.as_str())),
            ("secret access key", Some(self.secret_access_key.expose())),
            ("session token", token),
        ]
        .into_iter()
        .filter_map(|(name, text)| oddity(name, text?))
        .collect();
        let id = self.access_key_id.trim_matches(is_quote);
        if id.starts_with("ASIA") && token.is_none() {
            all.push(Warning {
                cause: "The access key id begins with ASIA, so the keys are temporary, and they have no session token.".into(),
                remedy: "Give the session token too; it is the third of the three values.".into(),
            });
        }
        all
    }
}

fn oddity(name: &str, text: &str) -> Option<Warning> {
    let (what, how) = if text.contains(is_quote) {
        ("has quotation marks in it".to_owned(), "without quotes")
    } else if text.contains(char::is_whitespace) {
        ("has white space in or around it".to_owned(), "without it")
    } else if let Some(odd) = text.chars().find(|c| !c.is_ascii_graphic()) {
        let number = u32::from(odd);
        (
            format!("has the character U+{number:04X} in it, which no key has"),
            "as it was given out",
        )
    } else if let Some(odd) = text
        .chars()
        .find(|c| name == ID && ",/+=<>${}".contains(*c))
    {
        (
            format!("has {odd:?} in it, which no key id has"),
            "as it was given out",
        )
    } else {
        return None;
    };
    Some(Warning {
        cause: format!("The {name} {what}."),
        remedy: format!("Write the {name} {how}."),
    })
}

fn is_quote(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_is_said_and_no_secret_is_shown() {
        let said = |id: &str, secret: &str, token: Option<&str>| {
            let keys = Credentials::new(id, secret, token.map(str::to_owned), "test");
            let all: Vec<String> = keys.oddities().iter().map(Warning::to_string).collect();
            let all = all.join(" ");
            assert!(!all.contains("canary"), "{all}");
            all
        };
        for (id, secret, token, what) in [
            (
                "\"AKIA1\"",
                "canary",
                None,
                "access key id has quotation marks",
            ),
            (
                "AKIA1",
                "'canary'",
                None,
                "secret access key has quotation marks",
            ),
            (
                "AKIA1",
                "\u{201c}canary\u{201d}",
                None,
                "secret access key has quotation marks",
            ),
            ("AKIA1 ", "canary", None, "access key id has white space"),
            (
                "AKIA1",
                "cana\u{a0}ry",
                None,
                "secret access key has white space",
            ),
            (
                "AKIA1",
                "canary\n",
                None,
                "secret access key has white space",
            ),
            (
                "ASIA1",
                "canary",
                Some("can ary"),
                "session token has white space",
            ),
            (
                "AKIA\u{200b}1",
                "canary",
                None,
                "access key id has the character U+200B",
            ),
            (
                "AKIA1",
                "canar\u{443}",
                None,
                "secret access key has the character U+0443",
            ),
            (
                "AKIA\u{1}",
                "canary",
                None,
                "access key id has the character U+0001",
            ),
            (
                "AKIA1,",
                "canary",
                None,
                "access key id has ',' in it, which no key id has",
            ),
            (
                "pasted/of+a=secret",
                "canary",
                None,
                "access key id has '/' in it",
            ),
            ("<YOUR_KEY>", "canary", None, "access key id has '<'"),
            ("${KEY}", "canary", None, "access key id has '$'"),
            ("ASIA1", "canary", None, "no session token"),
            ("\"ASIA1\"", "canary", None, "no session token"),
        ] {
            let all = said(id, secret, token);
            assert!(all.contains(what), "{what}: {all}");
        }
        for (id, secret, token) in [
            ("AKIA1", "can+ary/=", None),
            ("ASIA1", "canary", Some("canary==")),
            ("custom_key.1", "canary", None),
        ] {
            assert_eq!(said(id, secret, token), "");
        }
    }
}
