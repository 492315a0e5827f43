//! The AWS CLI's cache of assumed roles on disk: its file names, its format, and a lock beside it.
//!
//! Names and content are botocore's (`_create_cache_key` in
//! <https://github.com/boto/botocore/blob/develop/botocore/credentials.py>, `JSONFileCache` in
//! <https://github.com/boto/botocore/blob/develop/botocore/utils.py>), so that the CLI uses our
//! files and we use the CLI's. What botocore's name leaves out (the base credentials, the endpoint,
//! session tags and policies) is in a member that only this crate reads, `LexIdentityAws`, the tag:
//!
//! * a file with another tag is a miss, and ours is written under the same name plus eight hex digits;
//! * a file without a tag, as the CLI writes it, is used unless the request has options that the
//!   name leaves out.
//!
//! Only [`CacheDir::lock`] waits. No warning shows a file's content.

mod entry;
mod key;
mod listing;
mod lock;

#[cfg(test)]
mod tests;

pub use key::{CacheKey, Request};
pub use listing::Listed;
pub use lock::{LockAttempt, LockGuard, LockOutcome};

use crate::{
    credentials::{Credentials, Millis},
    util::{
        read_file::{self, Links, Unread},
        replace_file,
    },
};
use entry::Entry;
use std::{
    fmt,
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Far more than STS answers with; a larger file is not a cache entry.
const FILE_LIMIT: u64 = 256 * 1024;
const GROUP_OR_OTHERS: u32 = 0o077;
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
/// Temporary files live for milliseconds; one this old was left by a process that was killed.
const ORPHAN_AGE: Duration = Duration::from_hours(1);
/// The prefix of empty files that are made to learn this process's user id from their owner.
const PROBE: &str = "probe";
/// The `source` of credentials read from here.
const SOURCE: &str = "cache";

/// Why the cache, or a file in it, is not used: for the log, because a fetch goes on without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(String);

impl Warning {
    fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        Self(format!(
            "credential cache: cannot {what} {}: {error}",
            path.display()
        ))
    }

    fn refused(path: &Path, why: &str, what_to_do: &str) -> Self {
        Self(format!(
            "credential cache: {} is not used: {why} ({what_to_do})",
            path.display()
        ))
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Warning {}

/// A directory that only this process's user can write to, such as `~/.aws/cli/cache`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheDir {
    path: PathBuf,
    /// The user id of this process, as the file system reports it.
    uid: u32,
    /// This process may read it and not write to it, so it takes no lock and writes no entry.
    is_read_only: bool,
}

impl CacheDir {
    /// Makes the directory with mode 0700 if it is missing. One that exists and is read-only is read.
    ///
    /// One that exists is refused if another user owns it, or if group or others may write to it: they
    /// could put credentials of their choice there.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Warning> {
        let path = path.into();
        let cannot = |what: &str| {
            let path = path.clone();
            let what = what.to_owned();
            move |error: io::Error| Warning::io(&what, &path, &error)
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(cannot("make"))?;
        // A file system may map user ids; the owner of a new file is this process's user there.
        let uid = match replace_file::make_temporary(&path, PROBE) {
            Ok((probe, name)) => {
                let uid = probe.metadata().map(|made| made.uid());
                fs::remove_file(&name).map_err(cannot("write to"))?;
                Some(uid.map_err(cannot("look at"))?)
            }
            Err(error) if is_read_only(&error) => None,
            Err(error) => return Err(cannot("write to")(error)),
        };
        let is_read_only = uid.is_none();
        let uid = uid.unwrap_or_else(|| rustix::process::geteuid().as_raw());
        let found = fs::metadata(&path).map_err(cannot("look at"))?;
        check_dir(&found, uid, &path)?;
        Ok(Self {
            path,
            uid,
            is_read_only,
        })
    }

    /// True if this process may read the directory and not write to it.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// The credentials for `key`, if there are some that have not expired at `now`.
    ///
    /// A missing or half-written file is a miss. One of another user, or that group or others may read
    /// or write, is refused with a warning.
    pub fn read(&self, key: &CacheKey, now: Millis) -> Result<Option<Credentials>, Warning> {
        let mut refused = None;
        for slot in self.slots(key) {
            match self.load(&slot.path) {
                Ok(Some(entry))
                    if entry.expires_at > now && key.accepts(entry.tag.as_ref(), slot.shared) =>
                {
                    return Ok(Some(entry.credentials));
                }
                Ok(_) => {}
                Err(warning) => refused = refused.or(Some(warning)),
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// Writes credentials to the AWS CLI's file, or to one of our own if that file has another request's.
    ///
    /// An expired entry is overwritten whatever request it belongs to, so that base
    /// credentials that no longer exist do not keep the AWS CLI's file.
    ///
    /// `false` where they have no expiration or no session token, since the AWS CLI reads neither, and
    /// where the directory is read-only.
    pub fn write(
        &self,
        key: &CacheKey,
        credentials: &Credentials,
        now: Millis,
    ) -> Result<bool, Warning> {
        if self.is_read_only {
            return Ok(false);
        }
        let Some(content) = Entry::render(credentials, &key.tag) else {
            return Ok(false);
        };
        let mut refused = None;
        for slot in self.slots(key) {
            match self.load(&slot.path) {
                Ok(Some(entry))
                    if slot.shared
                        && entry.expires_at > now
                        && !key.accepts(entry.tag.as_ref(), true) => {}
                Ok(_) => {
                    replace_file::replace(&slot.path, &content)
                        .map_err(|error| Warning::io("write", &slot.path, &error))?;
                    self.remove_orphans(key, now);
                    return Ok(true);
                }
                Err(warning) => refused = refused.or(Some(warning)),
            }
        }
        refused.map_or(Ok(false), Err)
    }

    /// Removes the entry that `read` would return for `key`, if it has this access key id. Returns
    /// whether it did.
    pub fn remove(&self, key: &CacheKey, access_key_id: &str) -> Result<bool, Warning> {
        if self.is_read_only {
            return Ok(false);
        }
        let (mut removed, mut refused) = (false, None);
        for slot in self.slots(key) {
            match self.load(&slot.path) {
                // Between the read and the removal another process may write a new entry. It is lost
                // then, which costs one more call to STS.
                Ok(Some(entry))
                    if entry.credentials.access_key_id == access_key_id
                        && key.accepts(entry.tag.as_ref(), slot.shared) =>
                {
                    match fs::remove_file(&slot.path) {
                        Ok(()) => removed = true,
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => return Err(Warning::io("remove", &slot.path, &error)),
                    }
                }
                Ok(_) => {}
                Err(warning) => refused = refused.or(Some(warning)),
            }
        }
        refused.filter(|_| !removed).map_or(Ok(removed), Err)
    }

    /// The files that may hold credentials for `key`, in the order they are read.
    fn slots(&self, key: &CacheKey) -> impl Iterator<Item = Slot> {
        let shared = key.shares_name.then_some((key.name(), true));
        [shared, Some((key.own_name(), false))]
            .into_iter()
            .flatten()
            .map(|(name, shared)| Slot {
                path: self.path.join(format!("{name}.json")),
                shared,
            })
    }

    fn load(&self, path: &Path) -> Result<Option<Entry>, Warning> {
        let refused = |why| Err(Warning::refused(path, why, "remove it"));
        let unread = match read_file::open(path, Links::Refuse) {
            Ok((file, found)) => {
                self.check(&found, path)?;
                match read_file::content(file, &found, FILE_LIMIT) {
                    Ok(content) => return Ok(Entry::parse(&content, SOURCE)),
                    Err(unread) => unread,
                }
            }
            Err(unread) => unread,
        };
        match unread {
            Unread::Missing | Unread::TooLarge => Ok(None),
            Unread::Link => refused("it is a symbolic link"),
            Unread::NotAFile => refused("it is not a file"),
            Unread::Io(error) => Err(Warning::io("read", path, &error)),
        }
    }

    /// Refuses a file that another user owns or that group or others may read or write.
    fn check(&self, found: &Metadata, path: &Path) -> Result<(), Warning> {
        if !found.is_file() {
            return Err(Warning::refused(path, "it is not a file", "remove it"));
        }
        if found.uid() != self.uid {
            return Err(Warning::refused(
                path,
                "it belongs to another user",
                "remove it",
            ));
        }
        if found.mode() & GROUP_OR_OTHERS != 0 {
            let why = "group or others may read or write it";
            return Err(Warning::refused(
                path,
                why,
                "remove it, or chmod 600 if you trust it",
            ));
        }
        Ok(())
    }

    /// Removes what no other program removes: expired files of our own, whose base credentials may no
    /// longer exist (IMDS gives new ones every few hours), and temporary files of killed processes.
    fn remove_orphans(&self, key: &CacheKey, now: Millis) {
        let Ok(listing) = fs::read_dir(&self.path) else {
            return;
        };
        for found in listing.flatten() {
            let file_name = found.file_name();
            let Some(rest) = file_name.to_str().and_then(|name| {
                name.strip_prefix(key.name())
                    .or_else(|| name.strip_prefix(PROBE))
            }) else {
                continue;
            };
            let path = found.path();
            let own_name = rest
                .strip_prefix('-')
                .and_then(|rest| rest.strip_suffix(".json"));
            let useless = if own_name.is_some() {
                matches!(self.load(&path), Ok(Some(entry)) if entry.expires_at <= now)
            } else {
                rest.strip_suffix(".tmp").is_some()
                    && found.metadata().is_ok_and(|about| is_orphaned(&about))
            };
            if useless {
                let _ = fs::remove_file(&path); // the next write tries again
            }
        }
    }
}

/// One file that may hold credentials.
struct Slot {
    path: PathBuf,
    /// The AWS CLI looks there too.
    shared: bool,
}

/// Refuses a directory that another user could put files into.
fn check_dir(found: &Metadata, uid: u32, path: &Path) -> Result<(), Warning> {
    if found.uid() != uid {
        let what_to_do = "give a directory of your own";
        return Err(Warning::refused(
            path,
            "it belongs to another user",
            what_to_do,
        ));
    }
    if found.mode() & GROUP_OR_OTHERS_WRITE != 0 {
        let what_to_do = "chmod go-w makes it usable";
        return Err(Warning::refused(
            path,
            "group or others may write to it",
            what_to_do,
        ));
    }
    Ok(())
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

fn is_orphaned(about: &Metadata) -> bool {
    let age = about
        .modified()
        .ok()
        .and_then(|then| SystemTime::now().duration_since(then).ok());
    age.is_some_and(|age| age > ORPHAN_AGE)
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}
