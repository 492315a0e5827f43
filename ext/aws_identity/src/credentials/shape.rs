//! Defects of a key pair that can be seen without AWS: quotes, blanks, characters that no key has, a temporary
//! key without its session token, and a long-lived one with a token.

use super::{Credentials, Secret};
use crate::{failure::Warning, util::foreign_text::is_control};

/// What stands in the answers for the parts of credentials: key id, secret, session token, account id.
pub type Names = [&'static str; 4];

const KEY_ID: &str = "access key id";

impl Credentials {
    /// Why these credentials cannot be used, as the name of the part and what is wrong with it; the value is not
    /// shown. An access key id and an account id are shown in many places and have no other characters than
    /// printable ones; a session token is sent as a header, which the AWS SDK cannot do with others. A secret in
    /// the place of the id would be shown and sent, and AWS would refuse it.
    #[must_use]
    pub fn defect(&self, names: Names) -> Option<(&'static str, &'static str)> {
        const ID: &str = "is not 1 to 128 printable ASCII characters without blanks";
        const SWAPPED: &str = "has the form of a secret access key, so it is neither used nor shown: key id and secret may be swapped";
        let [id, secret, token, account] = names;
        let is_id = |text: &str| {
            (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let session_token = self.session_token.as_ref().map_or("", Secret::expose);
        if !is_id(&self.access_key_id) {
            Some((id, ID))
        } else if has_form_of_secret(&self.access_key_id)
            || (has_form_of_id(self.secret_access_key.expose())
                && !has_form_of_id(&self.access_key_id))
        {
            Some((id, SWAPPED))
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
        if self.lacks_session_token() {
            all.push(Warning {
                cause: "The access key id begins with ASIA, so the keys are temporary, and they have no session token.".into(),
                remedy: "Give the session token too; it is the third of the three values.".into(),
            });
        } else if self.session_token.is_some() && self.begins_with("AKIA") {
            // AWS refuses the pair as a key that it does not know; a test server may take it.
            all.push(Warning {
                cause: "The access key id begins with AKIA, so the keys are long-lived, and they have a session token, which belongs to other keys.".into(),
                remedy: "Remove the token where the keys come from, such as a leftover AWS_SESSION_TOKEN or aws_session_token; or give the keys it was issued with.".into(),
            });
        }
        all
    }

    /// True for temporary keys without their session token, with which AWS refuses every request.
    #[must_use]
    pub fn lacks_session_token(&self) -> bool {
        self.session_token.is_none() && self.begins_with("ASIA")
    }

    fn begins_with(&self, prefix: &str) -> bool {
        let id = self.access_key_id.trim_matches(is_quote);
        id.starts_with(prefix)
    }
}

/// The form of AWS's access key ids: `AKIA` or `ASIA`, and 16 capitals and digits.
fn has_form_of_id(text: &str) -> bool {
    text.len() == 20
        && (text.starts_with("AKIA") || text.starts_with("ASIA"))
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// The form of AWS's secret access keys, 40 characters of base64; without `+` and `/` it may be the id of another
/// vendor's key.
fn has_form_of_secret(text: &str) -> bool {
    text.contains(['+', '/']) && may_be_secret(text)
}

/// True for 40 characters of base64.
#[must_use]
pub fn may_be_secret(text: &str) -> bool {
    text.len() == 40
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
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
    fn a_secret_in_the_place_of_the_id_is_not_used() {
        const ID: &str = "AKIAIOSFODNN7EXAMPLE";
        const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let plain = "w".repeat(40);
        let hex = "0123456789abcdef0123456789abcdef01234567";
        for (id, secret, is_swapped) in [
            (SECRET, ID, true),
            (&plain, ID, true),
            ("canary", "ASIAIOSFODNN7EXAMPLE", true),
            (SECRET, SECRET, true),
            (ID, SECRET, false),
            (ID, ID, false), // no secret is shown
            (ID, &plain, false),
            (hex, hex, false),
            ("test", "test", false),
            ("minio", "AKIAtest", false),
        ] {
            let keys = Credentials::new(id, secret, None, "test");
            let found = keys.defect(["id", "secret", "token", "account"]);
            assert_eq!(found.is_some(), is_swapped, "{id}");
            if let Some((name, what)) = found {
                assert!(name == "id" && what.contains("may be swapped"), "{what}");
            }
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

    #[test]
    fn a_token_beside_a_long_lived_key_is_said() {
        for (id, token, is_said) in [
            ("AKIA1", Some("canary"), true),
            ("'AKIA1'", Some("canary"), true),
            ("AKIA1", None, false),
            ("ASIA1", Some("canary"), false),
            ("custom_key.1", Some("canary"), false),
        ] {
            let keys = Credentials::new(id, "canary", token.map(str::to_owned), "test");
            let all: String = keys.oddities().iter().map(Warning::to_string).collect();
            let what = "session token, which belongs to other keys";
            assert_eq!(all.contains(what), is_said, "{id}: {all}");
            assert!(!all.contains("canary"), "{all}");
        }
    }
}
