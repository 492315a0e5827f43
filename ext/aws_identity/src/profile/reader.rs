//! Reading the values of one profile, each checked for what it is.

use super::{
    files::{Files, Profile},
    identity_keys,
    profile_chain::Endpoints,
    set_aside::SectionKind,
};
use crate::{credentials::Secret, failure::Failure, sts::limits};
use std::fmt;

/// One profile, and the files it is in, which its failures name.
#[derive(Clone, Copy)]
pub(super) struct ProfileReader<'a> {
    pub(super) files: &'a Files,
    pub(super) name: &'a str,
    pub(super) profile: &'a Profile,
}

impl ProfileReader<'_> {
    /// Checks the beginning and the length only: the full rules are checked before the call.
    pub(super) fn role_arn(self) -> Result<String, Failure> {
        let arn = self.required("role_arn")?.unwrap_or_default();
        if arn.starts_with("arn:") && arn.len() <= 2048 {
            return Ok(arn);
        }
        Err(self.failure(
            format_args!("has the role_arn {:?}", shortened(&arn)),
            "A role is written arn:aws:iam::123456789012:role/name.",
        ))
    }

    pub(super) fn external_id(self) -> Result<Option<Secret>, Failure> {
        let value = self.required("external_id")?.map(Secret::new);
        if let Some(value) = &value {
            limits::external_id(value.expose()).map_err(|failure| failure.within(&self.title()))?;
        }
        Ok(value)
    }

    pub(super) fn mfa_serial(self) -> Result<Option<String>, Failure> {
        let value = self.required("mfa_serial")?;
        self.checked(value, |value| limits::serial_number("mfa_serial", value))
    }

    /// Blank means the default name, as in botocore.
    pub(super) fn role_session_name(self) -> Result<Option<String>, Failure> {
        let value = self.optional("role_session_name")?;
        self.checked(value, |value| {
            limits::session_name("role_session_name", value)
        })
    }

    /// botocore ignores what is no number; here it is an error like any other wrong limit.
    pub(super) fn duration_seconds(self) -> Result<Option<u32>, Failure> {
        let Some(text) = self.optional("duration_seconds")? else {
            return Ok(None);
        };
        let seconds = text.parse().map_err(|_| {
            self.failure(
                format_args!(
                    "has duration_seconds {:?}, which is no whole number",
                    shortened(&text)
                ),
                "Write a number of seconds, or remove the line.",
            )
        })?;
        limits::seconds("duration_seconds", seconds, limits::ROLE_SECONDS)
            .map(Some)
            .map_err(|failure| failure.within(&self.title()))
    }

    fn checked(
        self,
        value: Option<String>,
        check: impl FnOnce(&str) -> Result<(), Failure>,
    ) -> Result<Option<String>, Failure> {
        if let Some(value) = &value {
            check(value).map_err(|failure| failure.within(&self.title()))?;
        }
        Ok(value)
    }

    /// A value that names a section. It is tried whole first, as in botocore; only where no section has
    /// that name, what stands behind a ` #` or ` ;` is taken for a comment.
    pub(super) fn section_name(
        self,
        key: &str,
        exists: impl Fn(&str) -> bool,
    ) -> Result<Option<String>, Failure> {
        match self.uncut_name(key).filter(|name| exists(name)) {
            Some(whole) => Ok(Some(whole.to_owned())),
            None => self.required(key),
        }
    }

    /// The value with what looks like a comment behind it, if there is such a thing.
    pub(super) fn uncut_name(&self, key: &str) -> Option<&str> {
        let value = self.profile.value(key)?;
        let uncut = value.uncut.as_str();
        (uncut != value.text.as_str() && !uncut.contains('\n')).then_some(uncut)
    }

    pub(super) fn endpoints(self) -> Result<Endpoints, Failure> {
        let global = self.optional("endpoint_url")?;
        let whole = self.uncut_name("services");
        let services = match whole.filter(|name| self.files.services(name).is_some()) {
            Some(whole) => Some(whole.to_owned()),
            None => self.optional("services")?,
        };
        let services = match &services {
            None => None,
            Some(name) => Some(self.files.services(name).ok_or_else(|| {
                self.no_section(
                    SectionKind::Services,
                    name,
                    "Add the section, or remove the line.".into(),
                )
            })?),
        };
        let endpoint = |service: &str| -> Result<Option<Secret>, Failure> {
            let Some(value) = services.and_then(|services| services.get(service)) else {
                return Ok(global.clone().map(Secret::new));
            };
            let Some(mut nested) = value.nested() else {
                return if value.text.is_empty() {
                    Ok(global.clone().map(Secret::new))
                } else {
                    Err(self.failure(
                        format_args!(
                            "names a services section in which {service} has a value of its own"
                        ),
                        format!("Put endpoint_url on an indented line below \"{service} =\"."),
                    ))
                };
            };
            let own = nested.find(|(key, value)| *key == "endpoint_url" && !value.is_empty());
            Ok(own
                .map(|(_, value)| value.to_owned())
                .or_else(|| global.clone())
                .map(Secret::new))
        };
        Ok(Endpoints {
            sts: endpoint("sts")?,
            sso: endpoint("sso")?,
            sso_oidc: endpoint("sso_oidc")?,
            signin: endpoint("signin")?,
        })
    }

    /// The failure that says that the section `name`, which the profile names, does not exist.
    pub(super) fn no_section(self, kind: SectionKind, name: &str, hint: String) -> Failure {
        let word = kind.word();
        let (what, remedy) = self.files.set_aside(kind, name).unwrap_or_else(|| {
            let what = format!("there is no {} in the config file", kind.header(name));
            (what, hint)
        });
        self.failure(
            format_args!("names the {word} section {name:?}, and {what}"),
            remedy,
        )
    }

    pub(super) fn switch(self, key: &str) -> Result<Option<bool>, Failure> {
        match self.optional(key)? {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => Err(self.failure(
                format_args!("has {key} {:?}", shortened(&text)),
                "Write true or false.",
            )),
        }
    }

    /// A whole number of 1 or more.
    pub(super) fn count(self, key: &str) -> Result<Option<u32>, Failure> {
        match self.optional(key)? {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number @ 1..) => Ok(Some(number)),
                _ => Err(self.failure(
                    format_args!("has {key} {:?}", shortened(&text)),
                    "Write a whole number of 1 or more, or remove the line.",
                )),
            },
        }
    }

    /// A value on one line; blank is absent.
    pub(super) fn optional(self, key: &str) -> Result<Option<String>, Failure> {
        match self.profile.value(key) {
            Some(value) if value.text.contains('\n') => Err(self.continued(key)),
            Some(value) if !value.text.is_empty() => Ok(Some(value.text.to_string())),
            _ => Ok(None),
        }
    }

    /// A value that chooses the identity: written and blank is an error, not absent.
    pub(super) fn required(self, key: &str) -> Result<Option<String>, Failure> {
        match self.optional(key)? {
            None if self.profile.has(key) => Err(self.empty(key)),
            value => Ok(value),
        }
    }

    pub(super) fn empty(self, key: &str) -> Failure {
        self.failure(
            format_args!("has an empty {key}"),
            "Give it a value or remove the line.",
        )
    }

    /// Refuses a profile in which one key's value swallowed another key that chooses the identity,
    /// because its line is indented deeper. Unseen, the profile would be another one than written.
    pub(super) fn whole(self) -> Result<(), Failure> {
        match self.profile.keys().find(|key| self.swallowed(key)) {
            Some(key) => Err(self.continued(key)),
            None => Ok(()),
        }
    }

    fn swallowed(self, key: &str) -> bool {
        // The lines of a command are its own, and those below an empty key are meant to be there.
        let value = self
            .profile
            .value(key)
            .filter(|value| key != "credential_process" && !value.text.starts_with('\n'));
        value.is_some_and(|value| {
            value.text.lines().skip(1).any(|line| {
                let name = line.split(['=', ':']).next().unwrap_or_default();
                line.len() > name.len()
                    && identity_keys::chooses_identity(&name.trim().to_ascii_lowercase())
            })
        })
    }

    /// The value is not shown: what was meant as the next key may be a secret.
    pub(super) fn continued(self, key: &str) -> Failure {
        self.failure(
            format_args!(
                "has a {key} that goes on over the next line, because that line is indented deeper"
            ),
            "Start each key in the same column.",
        )
    }

    /// `what` goes on after the profile's name, without a full stop.
    pub(super) fn failure(self, what: impl fmt::Display, remedy: impl Into<String>) -> Failure {
        Failure::configuration(
            format!(
                "{} {what}. Read from {}.",
                self.title(),
                self.files.looked_at()
            ),
            remedy,
        )
    }

    fn title(self) -> String {
        format!("The profile {:?}", self.name)
    }
}

/// Enough of a value to find it by.
pub(super) fn shortened(value: &str) -> String {
    const SHOWN: usize = 60;
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &value[..end]),
        None => value.to_owned(),
    }
}
