//! What a fetch learns beside its outcome, whether it succeeds or fails, for the fetches after it.

use crate::util::watched_files::WatchedFiles;
use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering::SeqCst},
};

#[derive(Debug, Default)]
pub struct FetchNotes {
    /// The source of the held credentials. The chain does not go past it: an absent source may be a
    /// file that is being rewritten, and the next source has another identity.
    held_source: Option<&'static str>,
    source: OnceLock<&'static str>,
    held_source_is_absent: AtomicBool,
    files: OnceLock<WatchedFiles>,
}

impl FetchNotes {
    #[must_use]
    pub fn new(held_source: Option<&'static str>) -> Self {
        Self {
            held_source,
            ..Self::default()
        }
    }

    /// The source that gave the credentials, once one has.
    #[must_use]
    pub fn source(&self) -> Option<&'static str> {
        self.source.get().copied()
    }

    /// True if the chain stopped at the source of the held credentials, which was absent.
    #[must_use]
    pub fn held_source_is_absent(&self) -> bool {
        self.held_source_is_absent.load(SeqCst)
    }

    /// The files that the fetch read; `None` for a fetch that read none.
    #[must_use]
    pub fn files(&self) -> Option<&WatchedFiles> {
        self.files.get()
    }

    pub(crate) fn watch(&self, files: WatchedFiles) {
        let _ = self.files.set(files); // once a fetch
    }

    pub(super) fn found(&self, source: &'static str) {
        let _ = self.source.set(source); // once a fetch
    }

    /// Records that a source is absent; true if it is the one of the held credentials.
    pub(super) fn is_absent(&self, source: &'static str) -> bool {
        let is_held = self.held_source == Some(source);
        if is_held {
            self.held_source_is_absent.store(true, SeqCst);
        }
        is_held
    }
}
