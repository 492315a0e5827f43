//! What changes when a file is written, replaced or touched.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

/// Seconds since 1970, and nanoseconds.
pub type Time = (i64, i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: Time,
    changed: Time,
}

impl Stamp {
    /// `None` where there is no file. Symbolic links are followed, since a mounted secret is replaced by a link to
    /// other files.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        Some(Self {
            device: file.dev(),
            inode: file.ino(),
            length: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }

    /// When the file was written or touched last.
    #[must_use]
    pub fn last_change(&self) -> Time {
        self.modified.max(self.changed)
    }
}
