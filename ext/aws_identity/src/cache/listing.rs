//! What is in the directory, for the commands that list and clear it.

use super::{CacheDir, CacheKey, GROUP_OR_OTHERS_WRITE, Warning, check_dir, key::take_asker};
use crate::credentials::Millis;
use rustix::{
    fs::{Access, AtFlags, CWD, accessat},
    process::geteuid,
};
use serde_json::Value;
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// A file of the cache, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub path: PathBuf,
    pub access_key_id: Option<String>,
    /// `None` for what is no role's.
    pub assumed_role_arn: Option<String>,
    pub expires_at: Option<Millis>,
    /// Who signed the call, as [`super::Request::asker`]; `None` in a file that the AWS CLI wrote.
    pub asker: Option<String>,
    /// Why no credentials are read from it.
    pub unusable: Option<String>,
    /// As [`CacheKey::name`].
    name: String,
    /// What else its tag says.
    tag: Option<Value>,
    /// It has the name that the AWS CLI gives it.
    is_shared: bool,
}

impl Listed {
    /// Whether it is an entry of the request, by a key as [`CacheKey::without_asker`] gives it; what cannot be read is
    /// known by its name alone.
    #[must_use]
    pub fn is_of(&self, key: &CacheKey) -> bool {
        self.name == key.name()
            && (self.unusable.is_some() || key.accepts(self.tag.as_ref(), self.is_shared))
    }
}

impl CacheDir {
    /// The directory as it is, to read and to clear it: `None` if there is none. Writes nothing, so that where a file
    /// system maps user ids it has a rule in place of the file by which [`Self::open`] finds the owner.
    pub fn open_existing(path: &Path) -> Result<Option<Self>, Warning> {
        let found = match fs::metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Warning::io("look at", path, &error)),
        };
        let is_writable = accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok();
        let euid = geteuid();
        // A file system may map user ids. Where only the owner may write, a process that may is the owner's; root may
        // everywhere.
        let is_mapped = is_writable && !euid.is_root() && found.mode() & GROUP_OR_OTHERS_WRITE == 0;
        let uid = if is_mapped {
            found.uid()
        } else {
            euid.as_raw()
        };
        check_dir(&found, uid, path)?;
        Ok(Some(Self {
            path: path.to_owned(),
            uid,
            is_read_only: !is_writable,
        }))
    }

    /// Every file that has the name of a cache entry, expired or not. Locks are none, nor is what the AWS CLI
    /// keeps here under other names.
    pub fn list(&self) -> Result<Vec<Listed>, Warning> {
        let listing =
            fs::read_dir(&self.path).map_err(|error| Warning::io("list", &self.path, &error))?;
        let mut files: Vec<Listed> = listing
            .flatten()
            .filter_map(|file| {
                let file_name = file.file_name();
                let name = request_name(file_name.to_str()?)?;
                Some(self.listed(file.path(), name))
            })
            .collect();
        files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Ok(files)
    }

    /// Removes a file that [`Self::list`] found, whatever is in it. `false` if it was gone.
    pub fn clear(&self, listed: &Listed) -> Result<bool, Warning> {
        match fs::remove_file(&listed.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Warning::io("remove", &listed.path, &error)),
        }
    }

    fn listed(&self, path: PathBuf, name: &str) -> Listed {
        let (entry, unusable) = match self.load(&path) {
            Ok(Some(entry)) => (Some(entry), None),
            Ok(None) => (None, Some("it holds no credentials that expire".to_owned())),
            Err(warning) => (None, Some(warning.to_string())),
        };
        let mut tag = entry.as_ref().and_then(|entry| entry.tag.clone());
        let asker = tag.as_mut().and_then(take_asker);
        let credentials = entry.as_ref().map(|entry| &entry.credentials);
        Listed {
            access_key_id: credentials.map(|found| found.access_key_id.clone()),
            assumed_role_arn: credentials
                .and_then(|found| found.details.get("assumed_role_arn").cloned()),
            expires_at: entry.as_ref().map(|entry| entry.expires_at),
            asker,
            unusable,
            name: name.to_owned(),
            is_shared: path.file_stem().is_some_and(|stem| stem == name),
            tag,
            path,
        }
    }
}

/// The name of the request in `NAME.json` and `NAME-TAG.json`, where these are digests.
fn request_name(file_name: &str) -> Option<&str> {
    let stem = file_name.strip_suffix(".json")?;
    let (name, tag) = stem.split_once('-').unwrap_or((stem, "00000000"));
    let is_digest = |text: &str, length| {
        text.len() == length
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (is_digest(name, 40) && is_digest(tag, 8)).then_some(name)
}
