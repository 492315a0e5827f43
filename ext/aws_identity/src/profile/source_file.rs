//! One of the two shared files: where it is looked for, and its text.

use super::ini::{self, Malformed, Section};
use crate::{
    environment::Environment,
    failure::{Failure, Warning},
    util::read_file::{self, Unread},
};
use std::{
    fmt,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Larger than any real file; what is beyond is refused, not cut.
const SIZE_LIMIT: u64 = 4 * 1024 * 1024;

/// Where one of the files is looked for.
#[derive(Clone, Copy)]
pub(super) struct Location {
    variable: &'static str,
    below_home: &'static str,
}

impl Location {
    pub(super) const CONFIG: Self = Self {
        variable: "AWS_CONFIG_FILE",
        below_home: ".aws/config",
    };
    pub(super) const CREDENTIALS: Self = Self {
        variable: "AWS_SHARED_CREDENTIALS_FILE",
        below_home: ".aws/credentials",
    };

    /// The path, and whether the environment names it.
    pub(super) fn path(self, environment: &Environment) -> (Option<PathBuf>, bool) {
        let home = environment.get("HOME");
        match environment.get(self.variable) {
            Some(path) => (Some(expanded(path, environment)), true),
            None if environment.is_blank(self.variable) => (None, true),
            None => (
                home.map(|home| Path::new(home).join(self.below_home)),
                false,
            ),
        }
    }

    /// What there is to say of a file that is not read although a variable names it or something is there.
    fn unread(self, path: &Path, why: &Unread, named: bool) -> Warning {
        let path = path.display();
        let cause = match (named, why) {
            (true, _) => format!("{} names {path}, which is {why}.", self.variable),
            (false, Unread::Missing) => format!("{path} is a link to a file that is missing."),
            (false, _) => format!("{path} is {why}."),
        };
        let remedy = match why {
            Unread::Missing if named => "Correct or unset the variable.",
            Unread::Missing => "Correct or remove the link.",
            Unread::Io(_) => {
                "Make the file and its folders readable for this user, or name another."
            }
            _ => "Put a file there, or name another.",
        };
        Warning {
            cause,
            remedy: remedy.into(),
        }
    }
}

/// `$NAME`, `${NAME}`, `~` and `~user` are what botocore expands in these two variables.
fn expanded(path: &str, environment: &Environment) -> PathBuf {
    let mut text = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let braced = after
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        let (name, behind) = braced.unwrap_or_else(|| {
            let end = after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            after.split_at(end.unwrap_or(after.len()))
        });
        if let Some(value) = environment.get(name) {
            text.push_str(value);
            rest = behind;
        } else {
            text.push('$');
            rest = after;
        }
    }
    text.push_str(rest);
    environment.expand_home(&text)
}

/// One file: where it was looked for, and what was there.
#[derive(Debug)]
pub(super) struct Source {
    path: Option<PathBuf>,
    was_read: bool,
    /// What there is to say about it in a message, such as `3 profiles` or `missing`.
    state: String,
    /// Why a file that is named or there is not read, and what to do.
    set_aside: Option<Warning>,
}

impl Source {
    /// What there is to say of a file that is named or there, and not read. `None` where it is read, or
    /// where none is expected.
    pub(super) fn set_aside(&self) -> Option<Warning> {
        self.set_aside.clone()
    }

    pub(super) fn in_memory(name: &str) -> Self {
        Self {
            path: Some(PathBuf::from(name)),
            was_read: false,
            state: String::new(),
            set_aside: None,
        }
    }

    pub(super) fn read(
        environment: &Environment,
        location: Location,
    ) -> Result<(Self, Zeroizing<String>), Failure> {
        let (path, named) = location.path(environment);
        let mut source = Self {
            path,
            was_read: false,
            state: "no HOME".into(),
            set_aside: None,
        };
        let Some(path) = &source.path else {
            if named {
                source.state = format!("{} is blank", location.variable);
                source.set_aside = Some(Warning {
                    cause: format!("{}, so that no such file is read.", source.state),
                    remedy: format!("Unset {} if one is to be read.", location.variable),
                });
            }
            return Ok((source, Zeroizing::default()));
        };
        match read_file::read(path, SIZE_LIMIT) {
            Ok((_, bytes)) => {
                source.was_read = true;
                let text = std::str::from_utf8(&bytes)
                    .map(|text| Zeroizing::new(text.to_owned()))
                    .map_err(|bad| {
                        let line = bytes[..bad.valid_up_to()]
                            .split(|byte| *byte == b'\n')
                            .count();
                        source.malformed(line, "it is not UTF-8", "Save the file as UTF-8.")
                    })?;
                Ok((source, text))
            }
            Err(Unread::TooLarge) => Err(Failure::configuration(
                format!(
                    "The file {} is larger than {SIZE_LIMIT} bytes, which no settings file of AWS is.",
                    path.display(),
                ),
                "Check what writes it.",
            )),
            Err(Unread::Io(error)) if named => Err(Failure::configuration(
                format!(
                    "{} names {}, which cannot be read: {error}.",
                    location.variable,
                    path.display(),
                ),
                "Make it readable, or unset the variable.",
            )),
            // HOME may be another user's: a service started by root often keeps root's.
            Err(absent) => {
                if named || !matches!(absent, Unread::Missing) || path.is_symlink() {
                    source.set_aside = Some(location.unread(path, &absent, named));
                }
                source.state = absent.to_string();
                Ok((source, Zeroizing::default()))
            }
        }
    }

    pub(super) fn parse(&self, text: &str) -> Result<Vec<Section>, Failure> {
        ini::parse(text)
            .map_err(|Malformed { line, what, remedy }| self.malformed(line, &what, remedy))
    }

    fn malformed(&self, line: usize, what: &str, remedy: &str) -> Failure {
        let path = self.path.as_deref().unwrap_or(Path::new("")).display();
        Failure::configuration(format!("Cannot read {path}, line {line}: {what}."), remedy)
    }

    pub(super) fn count(&mut self, profiles: usize) {
        if self.was_read || self.state.is_empty() {
            let plural = if profiles == 1 { "" } else { "s" };
            self.state = format!("{profiles} profile{plural}");
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{} ({})", path.display(), self.state),
            None => write!(f, "no file ({})", self.state),
        }
    }
}
