//! Sections of the config file that are set aside, and why: named where what they were meant to be "does not
//! exist", so that a message never denies what is there.

use super::{identity_keys, ini::Properties};
use crate::{
    failure::Warning,
    util::{foreign_text::shown, shell_words},
};

/// What a section of the config file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionKind {
    Profile,
    SsoSession,
    Services,
}

impl SectionKind {
    const ALL: [Self; 3] = [Self::Profile, Self::SsoSession, Self::Services];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::SsoSession => "sso-session",
            Self::Services => "services",
        }
    }

    /// The header of the section `name`, which is quoted where it must be.
    pub(super) fn header(self, name: &str) -> String {
        let name = match shell_words::split(name).as_deref() {
            Ok([one]) if one == name => name.to_owned(),
            _ if name.contains('\'') => format!("\"{name}\""),
            _ => format!("'{name}'"),
        };
        format!("[{} {name}]", self.word())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    OpenQuote,
    NoName,
    SeveralWords,
    OtherWord,
    Replaced,
}

/// A section that is set aside.
#[derive(Clone, Debug)]
pub(super) struct SetAside {
    /// As written, without the brackets.
    header: String,
    reason: Reason,
    /// True where it has keys of a profile, so that it was probably meant to be one.
    is_like_profile: bool,
}

/// The kind and the name in a header, by botocore's rules: `default`, or two words of which the first
/// begins with the word of a kind.
pub(super) fn read(
    header: &str,
    properties: &Properties,
) -> Result<(SectionKind, String), SetAside> {
    let aside = |reason| SetAside::new(header, reason, properties);
    if header == "default" {
        return Ok((SectionKind::Profile, header.to_owned()));
    }
    let kind = SectionKind::ALL
        .into_iter()
        .find(|kind| header.starts_with(kind.word()))
        .ok_or_else(|| aside(Reason::OtherWord))?;
    match shell_words::split(header) {
        Err(_) => Err(aside(Reason::OpenQuote)),
        Ok(words) => match <[String; 2]>::try_from(words) {
            Ok([_, name]) => Ok((kind, name)),
            Err(words) if words.len() < 2 => Err(aside(Reason::NoName)),
            Err(_) => Err(aside(Reason::SeveralWords)),
        },
    }
}

impl SetAside {
    fn new(header: &str, reason: Reason, properties: &Properties) -> Self {
        let is_like_profile = properties
            .keys()
            .any(|key| identity_keys::chooses_identity(key) || key == "region");
        Self {
            header: header.to_owned(),
            reason,
            is_like_profile,
        }
    }

    /// The section of that name that a later one replaced.
    pub(super) fn replaced(name: &str, properties: &Properties) -> Self {
        Self::new(name, Reason::Replaced, properties)
    }

    /// True if it was probably meant to be the section `name` of this kind.
    pub(super) fn is_meant(&self, kind: SectionKind, name: &str) -> bool {
        let bare = |text: &str| {
            let quotes = ['"', '\'', '\\'];
            let words: Vec<_> = text.split_whitespace().collect();
            words.join(" ").replace(quotes, "")
        };
        let (first, rest) = self
            .header
            .split_once(char::is_whitespace)
            .unwrap_or((&self.header, ""));
        let named = bare(rest) == bare(name) || rest.split_whitespace().next() == Some(name);
        match self.reason {
            Reason::OtherWord => bare(&self.header) == bare(name) || named,
            Reason::OpenQuote | Reason::SeveralWords => first.starts_with(kind.word()) && named,
            Reason::NoName | Reason::Replaced => false,
        }
    }

    pub(super) fn is_replaced(&self, name: &str) -> bool {
        self.reason == Reason::Replaced && self.header == name
    }

    /// What is said of it, without a full stop.
    pub(super) fn cause(&self) -> String {
        let why = match self.reason {
            Reason::OpenQuote => "a quote is opened and never closed",
            Reason::NoName => "it has no name",
            Reason::SeveralWords => "a name of several words has to be in quotes",
            Reason::OtherWord => "it does not begin with profile, sso-session or services",
            Reason::Replaced => {
                return format!(
                    "The config file has the profile {:?} twice, and the later section replaces the earlier one, keys included",
                    self.header
                );
            }
        };
        format!(
            "[{}] in the config file is set aside, because {why}",
            shown(&self.header)
        )
    }

    /// What is said of it where no other section tells what it was meant to be; `None` where it is no
    /// concern of credentials, such as `[plugins]`.
    pub(super) fn warning(&self) -> Option<Warning> {
        let remedy = match self.reason {
            Reason::OtherWord if !self.is_like_profile => return None,
            Reason::Replaced => "Merge its two sections.".to_owned(),
            _ => {
                let kind = SectionKind::ALL
                    .into_iter()
                    .find(|kind| self.header.starts_with(kind.word()))
                    .unwrap_or(SectionKind::Profile);
                let rest = self.header.strip_prefix(kind.word());
                let name = rest.unwrap_or(&self.header).trim();
                let name = name.replace(['"', '\''], "");
                let name = if name.is_empty() { "name" } else { &name };
                format!("Write {}, or remove it.", kind.header(name))
            }
        };
        Some(Warning {
            cause: format!("{}.", self.cause()),
            remedy,
        })
    }
}
