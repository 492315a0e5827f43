//! One of the two shared files: where it is looked for, its text, and whether it changed.

use super::ini::{self, Malformed, Section};
use crate::{
    environment::Environment,
    failure::Failure,
    util::read_file::{self, Unread},
};
use std::{
    fmt,
    fs::Metadata,
    os::unix::fs::MetadataExt as _,
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
    stamp: Option<Stamp>,
    /// What there is to say about it in a message, such as `3 profiles` or `missing`.
    state: String,
}

/// What changes when a file is written, replaced or touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            length: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    fn now(path: Option<&Path>) -> Option<Self> {
        let file = std::fs::metadata(path?).ok()?;
        file.is_file().then(|| Self::of(&file))
    }
}

impl Source {
    /// True if the file was written, replaced, made or removed since it was read.
    pub(super) fn changed(&self) -> bool {
        self.stamp != Stamp::now(self.path.as_deref())
    }

    pub(super) fn in_memory(name: &str) -> Self {
        Self {
            path: Some(PathBuf::from(name)),
            stamp: None,
            state: String::new(),
        }
    }

    pub(super) fn read(
        environment: &Environment,
        location: Location,
    ) -> Result<(Self, Zeroizing<String>), Failure> {
        let (path, named) = location.path(environment);
        let mut source = Self {
            path,
            stamp: None,
            state: match environment.is_blank(location.variable) {
                true => format!("{} is blank", location.variable),
                false => "no HOME".into(),
            },
        };
        let Some(path) = &source.path else {
            return Ok((source, Zeroizing::default()));
        };
        match read_file::read(path, SIZE_LIMIT) {
            Ok((found, bytes)) => {
                source.stamp = Some(Stamp::of(&found));
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
        if self.stamp.is_some() || self.state.is_empty() {
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
