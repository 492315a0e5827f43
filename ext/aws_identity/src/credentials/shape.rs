//! Defects of a key pair that can be seen without AWS: quotes, blanks, characters that no key has, and a
//! temporary key without its session token.

use super::{Credentials, Secret};
use crate::{failure::Warning, util::foreign_text::is_control};

/// What stands in the answers for the parts of credentials: key id, secret, session token, account id.
pub type Names = [&'static str; 4];

const KEY_ID: &str = "access key id";

impl Credentials {
    /// Why these credentials cannot be used, as the name of the part and what is wrong with it; the value is not
    /// shown. An access key id and an account id are shown in many places and have no other characters than
    /// printable ones; a session token is sent as a header, which the AWS SDK cannot do with others.
    #[must_use]
    pub fn defect(&self, names: Names) -> Option<(&'static str, &'static str)> {
        const ID: &str = "is not 1 to 128 printable ASCII characters without blanks";
        let [id, secret, token, account] = names;
        let is_id = |text: &str| {
            (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let session_token = self.session_token.as_ref().map_or("", Secret::expose);
        if !is_id(&self.access_key_id) {
            Some((id, ID))
        } else if self.secret_access_key.expose().chars().any(is_control) {
            Some((secret, "holds control characters"))
        } else if !is_header(session_token) {
            Some((token, "holds characters other than printable ASCII ones"))
        } else if !self.account_id.as_deref().is_none_or(is_id) {
            Some((account, ID))
        } else {
            None
        }
    }

    /// What is odd about the shape of key id, secret and token. Never shows a secret.
    #[must_use]
    pub fn oddities(&self) -> Vec<Warning> {
        let token = self.session_token.as_ref().map(Secret::expose);
        let mut all: Vec<Warning> = [
            (KEY_ID, Some(self.access_key_id.as_str())),
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

/// True for what can be sent as the value of a header.
#[must_use]
pub fn is_header(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
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
        .find(|c| name == KEY_ID && ",/+=<>${}".contains(*c))
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
    fn what_cannot_be_sent_or_shown_is_named() {
        const NAMES: Names = ["id", "secret", "token", "account"];
        let named = |id: &str, secret: &str, token: Option<&str>, account: Option<&str>| {
            let mut keys = Credentials::new(id, secret, token.map(str::to_owned), "test");
            keys.account_id = account.map(str::to_owned);
            keys.defect(NAMES).map(|(name, _)| name)
        };
        let long = "A".repeat(129);
        for bad in [
            "",
            " ",
            "AKIA X",
            "AKIA\nX",
            "AKIA\0",
            "AKIA\u{7f}",
            "AKI\u{c4}",
            "A\u{202e}B",
            "A\u{9b}B",
            &long,
        ] {
            assert_eq!(named(bad, "s", None, None), Some("id"), "{bad:?}");
            assert_eq!(named("A", "s", None, Some(bad)), Some("account"), "{bad:?}");
        }
        for bad in ["a\nb", "a\0b", "\u{7f}", "a\u{85}b", "a\u{1b}[2J"] {
            assert_eq!(named("A", bad, None, None), Some("secret"), "{bad:?}");
            assert_eq!(named("A", "s", Some(bad), None), Some("token"), "{bad:?}");
        }
        assert_eq!(named("A", "s", Some("t\u{f6}ken"), None), Some("token"));
        for good in [
            "A",
            "test",
            "LSIAQAAAAAAVNCBMPNSG",
            "minioadmin",
            "AKIA/+=._-",
            &long[1..],
        ] {
            assert_eq!(named(good, "s", Some("t/+= ~"), Some("000000000000")), None);
        }
    }

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
