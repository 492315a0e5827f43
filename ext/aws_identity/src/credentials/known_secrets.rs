//! The secrets that a fetch has sent, been given or found held, to mask them in what others say.

use super::{Credentials, Secret};
use crate::{
    failure::Failure,
    util::{
        foreign_text::{self, denial},
        mask::{Masks, SHORTEST, mask},
    },
};
use std::sync::{Arc, Mutex, PoisonError};

/// More than any fetch has: the first ones are kept.
const MOST: usize = 256;
/// As much of a foreign text as is looked at, in bytes; a message shows far less.
const LOOKED_AT: usize = 32 * 1024;

/// The secrets of one fetch. Clones share them; they are wiped with the last one.
#[derive(Clone, Debug, Default)]
pub struct KnownSecrets(Arc<Mutex<Vec<Known>>>);

#[derive(Debug)]
struct Known {
    secret: Secret,
    /// It may be the name of a role, a user or a session too.
    may_be_name: bool,
}

impl KnownSecrets {
    /// Remembers `secret`, unless it is too short to be one.
    pub fn note(&self, secret: &str) {
        self.remember(secret, false);
    }

    /// The same for an external id or the user of a proxy, which may be the name of a role, a user or a session too. AWS
    /// does not treat an external id as a secret:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html>
    pub fn note_possible_name(&self, secret: &str) {
        self.remember(secret, true);
    }

    fn remember(&self, secret: &str, may_be_name: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.iter_mut().find(|known| known.secret.expose() == secret) {
            known.may_be_name &= may_be_name;
        } else if secret.len() >= SHORTEST && all.len() < MOST {
            let secret = Secret::new(secret);
            all.push(Known {
                secret,
                may_be_name,
            });
        }
    }

    /// Remembers secret access key and session token.
    pub fn note_credentials(&self, credentials: &Credentials) {
        self.note(credentials.secret_access_key.expose());
        if let Some(token) = &credentials.session_token {
            self.note(token.expose());
        }
    }

    /// `text` of an endpoint, a program or a library, without secrets.
    #[must_use]
    pub fn masked(&self, text: &str) -> String {
        let end = text.floor_char_boundary(LOOKED_AT);
        self.mask(&text[..end], Masks::All)
    }

    /// The same on one line of at most 512 printable characters: masked first and cut then, since the cut may go
    /// through a secret.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        denial(&self.masked(text))
    }

    /// An error code of a service; `None` for what is no such word, or a secret.
    #[must_use]
    pub fn code<'a>(&self, text: &'a str) -> Option<&'a str> {
        foreign_text::code(text).filter(|code| self.masked(code) == **code)
    }

    /// The failure without secrets in anything it says. Words from outside have passed [`Self::shown`] where they
    /// came in; this holds also for those that have not. Of short secrets nothing is masked here, since they may
    /// be words of ours.
    #[must_use]
    pub fn clean(&self, failure: Failure) -> Failure {
        let Failure {
            kind,
            cause,
            remedy,
            reached,
            code,
            status,
            request_id,
            refused_key,
            mut attempts,
        } = failure;
        for attempt in &mut attempts {
            attempt.reason = self.long_masked(&attempt.reason);
        }
        Failure {
            kind,
            cause: self.long_masked(&cause),
            remedy: self.long_masked(&remedy),
            reached,
            code: code.filter(|code| self.long_masked(code) == *code),
            status,
            request_id: request_id.map(|id| self.long_masked(&id)),
            refused_key,
            attempts,
        }
    }

    /// `text`, which this crate wrote, without long secrets and long parts of them.
    #[must_use]
    pub fn long_masked(&self, text: &str) -> String {
        self.mask(text, Masks::Long)
    }

    /// The same of a value in a good answer, such as an ARN: what may be a name stays.
    #[must_use]
    pub fn value_masked(&self, text: &str) -> String {
        self.mask_those(text, Masks::Long, |known| !known.may_be_name)
    }

    fn mask(&self, text: &str, masks: Masks) -> String {
        self.mask_those(text, masks, |_| true)
    }

    fn mask_those(&self, text: &str, masks: Masks, which: impl Fn(&Known) -> bool) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let those = all.iter().filter(|known| which(known));
        let those: Vec<&str> = those.map(|known| known.secret.expose()).collect();
        mask(text, &those, masks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attempt::{Attempt, Outcome},
        failure::Kind,
    };

    const TOKEN: &str = "FwoGcanary/session+token==";

    fn known() -> KnownSecrets {
        let known = KnownSecrets::default();
        known.note_credentials(&Credentials::new(
            "ASIAEXAMPLE",
            "canary/of+the/specs",
            Some(TOKEN.into()),
            "test",
        ));
        known.note("123456");
        known.note("s");
        known
    }

    #[test]
    fn the_mask_comes_before_the_cut() {
        let known = known();
        for before in 480..520 {
            let line = known.shown(&format!("{}{TOKEN}", "x".repeat(before)));
            assert!(!line.contains("FwoG"), "{line}");
            assert!(line.chars().count() <= 512);
        }
        assert_eq!(
            known.shown("code 123456\nis no code"),
            r"code [secret]\nis no code"
        );
    }

    #[test]
    fn what_may_be_a_name_is_masked_in_what_others_say_and_stays_in_a_value() {
        const NAME: &str = "tenant-0123456789abcdef";
        let known = known();
        known.note_possible_name(NAME);
        let arn = format!("arn:aws:sts::123456789012:assumed-role/{NAME}/{NAME}");
        assert_eq!(known.value_masked(&arn), arn);
        assert!(!known.shown(&arn).contains("0123"));
        assert_eq!(known.value_masked(TOKEN), "[secret]");
        known.note(NAME);
        known.note_possible_name(NAME);
        assert!(!known.value_masked(&arn).contains("0123"));
    }

    #[test]
    fn a_code_that_is_a_secret_is_none() {
        let known = KnownSecrets::default();
        known.note("canary0000000000token");
        assert_eq!(known.code("canary0000000000token"), None);
        assert_eq!(known.code("AccessDenied"), Some("AccessDenied"));
    }

    #[test]
    fn nothing_that_a_failure_says_has_a_secret() {
        let mut failure = Failure::new(Kind::Service, format!("it said {TOKEN}."), TOKEN);
        failure.code = Some(TOKEN.into());
        failure.request_id = Some(format!("id-{TOKEN}"));
        failure.attempts = vec![Attempt {
            source: "imds".into(),
            outcome: Outcome::Failed,
            reason: format!("it said {TOKEN}"),
            milliseconds: 1,
        }];
        let clean = known().clean(failure);
        let said = format!("{clean:?}");
        assert!(!said.contains("canary"), "{said}");
        assert_eq!(clean.cause, "it said [secret].");
        assert_eq!(clean.code, None);
    }
}
