//! The AWS CLI's cache of assumed roles on disk: its file names, its format, and a lock beside it.
//!
//! Names and content are botocore's (`_create_cache_key` in
//! <https://github.com/boto/botocore/blob/develop/botocore/credentials.py>, `JSONFileCache` in
//! <https://github.com/boto/botocore/blob/develop/botocore/utils.py>), so that the CLI uses our
//! files and we use the CLI's. What botocore's name does not tell apart (who asked, which endpoint,
//! session tags and policies) stands in a member of ours, `LexIdentityAws`:
//!
//! * a file in which it differs is a miss, and ours goes to the same name plus eight hex digits;
//! * a file without it, as the CLI writes it, counts unless the request has more to it than the
//!   name can say.
//!
//! Nothing here waits, sleeps or touches the network. No warning shows a file's content.

mod entry;
mod key;
mod lock;

#[cfg(test)]
mod tests;

pub use key::{CacheKey, Request};
pub use lock::{LockAttempt, LockGuard, LockOutcome};

use crate::credentials::{Credentials, Millis};
use entry::Entry;
use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{BuildHasher, RandomState},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

/// Far more than STS answers with; what is larger is not a cache entry.
const FILE_LIMIT: u64 = 256 * 1024;
const GROUP_OR_OTHERS: u32 = 0o077;
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
/// Temporary files live for milliseconds; one this old was left by a process that was killed.
const LEFT_BEHIND: Duration = Duration::from_hours(1);
/// How the empty files begin that tell who we are.
const PROBE: &str = "probe";
/// What sets read from here say about where they came from.
const SOURCE: &str = "cache";

/// Why the cache, or a file in it, is not used: for the log, since credentials come without it too.
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

/// A directory that only we can write to, such as `~/.aws/cli/cache`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheDir {
    path: PathBuf,
    /// Our user, as the file system tells it.
    uid: u32,
}

impl CacheDir {
    /// Makes the directory with mode 0700 if it is missing.
    ///
    /// One that exists is refused if it is not ours, or if group or others may write to it: they
    /// could give us credentials of their choice.
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
        // std cannot ask who we are, but a file that we make says it.
        let (probe, name) = make_temporary(&path, PROBE).map_err(cannot("write to"))?;
        let uid = probe.metadata().map(|made| made.uid());
        fs::remove_file(&name).map_err(cannot("write to"))?;
        let uid = uid.map_err(cannot("look at"))?;
        let found = fs::metadata(&path).map_err(cannot("look at"))?;
        check_dir(&found, uid, &path)?;
        Ok(Self { path, uid })
    }

    /// The set for `key`, if there is one that has not ended at `now`.
    ///
    /// A missing, unreadable or half-written file is a miss. One that is not ours, or that group
    /// or others may read or write, is refused with a warning.
    pub fn read(&self, key: &CacheKey, now: Millis) -> Result<Option<Credentials>, Warning> {
        let mut refused = None;
        for place in self.places(key) {
            match self.load(&place.path) {
                Ok(Some(entry)) if entry.expires_at > now && place.accepts(&entry, key) => {
                    return Ok(Some(entry.credentials));
                }
                Ok(_) => {}
                Err(warning) => refused = refused.or(Some(warning)),
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// Puts a set where the AWS CLI looks, or under our own name if that place is another's.
    ///
    /// A set that has ended gives its place to anyone, so that the AWS CLI's name does not stay
    /// with a base that is gone.
    ///
    /// `false` where the set has no end or no session token: there is nothing to share about it.
    pub fn write(
        &self,
        key: &CacheKey,
        credentials: &Credentials,
        now: Millis,
    ) -> Result<bool, Warning> {
        let Some(content) = Entry::render(credentials, &key.tag) else {
            return Ok(false);
        };
        let mut refused = None;
        for place in self.places(key) {
            match self.load(&place.path) {
                Ok(Some(entry)) if entry.expires_at > now && !place.gives_way(&entry, key) => {}
                Ok(_) => {
                    self.replace(&place.path, &content)
                        .map_err(|error| Warning::io("write", &place.path, &error))?;
                    self.tidy(key, now);
                    return Ok(true);
                }
                Err(warning) => refused = refused.or(Some(warning)),
            }
        }
        refused.map_or(Ok(false), Err)
    }

    /// Takes away what `read` would give for `key`, if it is the set with this access key id.
    /// Says whether it did.
    pub fn remove(&self, key: &CacheKey, access_key_id: &str) -> Result<bool, Warning> {
        let (mut removed, mut refused) = (false, None);
        for place in self.places(key) {
            match self.load(&place.path) {
                // Between the look and the removal another process may write a new set. It is lost
                // then, which costs somebody one more question to STS.
                Ok(Some(entry))
                    if entry.credentials.access_key_id == access_key_id
                        && place.accepts(&entry, key) =>
                {
                    match fs::remove_file(&place.path) {
                        Ok(()) => removed = true,
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => return Err(Warning::io("remove", &place.path, &error)),
                    }
                }
                Ok(_) => {}
                Err(warning) => refused = refused.or(Some(warning)),
            }
        }
        refused.filter(|_| !removed).map_or(Ok(removed), Err)
    }

    /// Where a set for `key` may stand, in the order of looking.
    fn places(&self, key: &CacheKey) -> impl Iterator<Item = Slot> {
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
        let file = match OpenOptions::new()
            .read(true)
            // Not to hang on a pipe somebody put there.
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path)
        {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
                return Err(Warning::refused(path, "it is a symbolic link", "remove it"));
            }
            Err(error) => return Err(Warning::io("read", path, &error)),
        };
        let length = self.check(&file, path)?;
        if length > FILE_LIMIT {
            return Ok(None);
        }
        // Room for all of it and the end: growing would leave copies that nobody wipes.
        let room = usize::try_from(length).unwrap_or_default() + 64;
        let mut content = Zeroizing::new(Vec::with_capacity(room));
        if let Err(error) = file.take(FILE_LIMIT).read_to_end(&mut content) {
            return Err(Warning::io("read", path, &error));
        }
        Ok(Entry::parse(&content, SOURCE))
    }

    /// A regular file that is ours alone; its length.
    fn check(&self, file: &File, path: &Path) -> Result<u64, Warning> {
        let found = file
            .metadata()
            .map_err(|error| Warning::io("look at", path, &error))?;
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
        Ok(found.len())
    }

    /// All of the new file or all of the old one, also after a crash.
    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let (mut file, temporary) = make_temporary(&self.path, &stem)?;
        let written = file
            .write_all(content)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary); // the first error is the one to tell
        }
        written?;
        // Some file systems cannot sync a directory. The entry is whole either way.
        let _ = File::open(&self.path).and_then(|dir| dir.sync_all());
        Ok(())
    }

    /// Clears away what nobody else would: our own-name files of bases that are gone, such as the
    /// keys IMDS gave yesterday, and the temporary files of processes that were killed.
    fn tidy(&self, key: &CacheKey, now: Millis) {
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
                    && found.metadata().is_ok_and(|about| is_left_behind(&about))
            };
            if useless {
                let _ = fs::remove_file(&path); // the next one will try again
            }
        }
    }
}

/// One file a set may stand in.
struct Slot {
    path: PathBuf,
    /// The AWS CLI looks there too.
    shared: bool,
}

impl Slot {
    /// The entry answers the request.
    fn accepts(&self, entry: &Entry, key: &CacheKey) -> bool {
        match &entry.tag {
            Some(tag) => *tag == key.tag,
            None => self.shared && key.takes_unmarked,
        }
    }

    /// The entry may be overwritten although it has not ended.
    fn gives_way(&self, entry: &Entry, key: &CacheKey) -> bool {
        !self.shared || self.accepts(entry, key)
    }
}

/// A directory nobody but us can put files into.
fn check_dir(found: &fs::Metadata, uid: u32, path: &Path) -> Result<(), Warning> {
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

fn is_left_behind(about: &fs::Metadata) -> bool {
    let age = about
        .modified()
        .ok()
        .and_then(|then| SystemTime::now().duration_since(then).ok());
    age.is_some_and(|age| age > LEFT_BEHIND)
}

/// A new file with mode 0600 in the cache's directory: a rename must not cross file systems.
fn make_temporary(dir: &Path, stem: &str) -> io::Result<(File, PathBuf)> {
    loop {
        // Processes in containers may share a directory and have the same id.
        let chance = RandomState::new().hash_one(SystemTime::now());
        let path = dir.join(format!("{stem}.{}-{chance:016x}.tmp", std::process::id()));
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path);
        match made {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
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
