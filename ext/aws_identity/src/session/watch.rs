//! What the last fetch read, and when it is compared again.

use crate::{
    credentials::Millis, providers::FetchNotes, task::fetch_task::FetchTask, util::time::Moment,
};
use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// A comparison of files; true if one has changed.
pub type Look = FetchTask<bool>;

/// The least time between two looks.
const SPACING: Duration = Duration::from_secs(1);
/// The source of the held credentials counts as gone if it was absent twice, this far apart.
const ABSENT_FOR: Millis = 2_000;
/// When the next look is due, read without a lock.
pub(super) struct NextLook {
    start: Instant,
    milliseconds: AtomicU64,
}

impl Default for NextLook {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            milliseconds: AtomicU64::new(u64::MAX),
        }
    }
}

impl NextLook {
    pub(super) fn is_due(&self) -> bool {
        let due = self.milliseconds.load(Relaxed);
        due != u64::MAX && self.passed() >= due
    }

    /// Due after [`SPACING`] unless it is due at a time already.
    pub(super) fn allow(&self) {
        if self.milliseconds.load(Relaxed) == u64::MAX {
            self.put_off();
        }
    }

    pub(super) fn put_off(&self) {
        let due = self.passed().saturating_add(milliseconds(SPACING));
        self.milliseconds.store(due, Relaxed);
    }

    pub(super) fn stop(&self) {
        self.milliseconds.store(u64::MAX, Relaxed);
    }

    fn passed(&self) -> u64 {
        milliseconds(self.start.elapsed())
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX - 1)
}

/// What the last fetch of credentials read, and from which source the held ones came.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) notes: Arc<FetchNotes>,
    pub(super) source: Option<&'static str>,
    absent_since: Option<Moment>,
    pub(super) look: Option<Arc<Look>>,
    pub(super) changes: u64,
}

impl Watch {
    /// The notes for a fetch that starts at `now`, with credentials held or not.
    pub(super) fn notes_for(&self, is_held: bool, now: Moment) -> Arc<FetchNotes> {
        let is_gone = self
            .absent_since
            .is_some_and(|since| now.boot - since.boot >= ABSENT_FOR);
        Arc::new(FetchNotes::new(self.source.filter(|_| is_held && !is_gone)))
    }

    /// A fetch has returned new credentials.
    pub(super) fn succeeded(&mut self, notes: &Arc<FetchNotes>) {
        self.source = notes.source();
        self.absent_since = None;
        self.watch(notes);
    }

    /// A fetch of credentials has failed. How long the source of the held ones has to be asked no
    /// more, if the fetch failed because that source was absent.
    pub(super) fn failed(&mut self, notes: &Arc<FetchNotes>, at: Moment) -> Option<Millis> {
        if notes.files().is_some() {
            self.watch(notes);
        }
        notes.held_source_is_absent().then(|| {
            let _ = self.absent_since.get_or_insert(at);
            ABSENT_FOR
        })
    }

    fn watch(&mut self, notes: &Arc<FetchNotes>) {
        self.notes = Arc::clone(notes);
        forget_foreign(self.look.take()); // it compares what an earlier fetch has read
    }

    pub(super) fn has_files(&self) -> bool {
        self.notes.files().is_some_and(|files| !files.is_empty())
    }

    /// True if a look has completed and found a change.
    pub(super) fn take_change(&mut self) -> bool {
        let Some(look) = self.look.take() else {
            return false;
        };
        match look.outcome() {
            Some(outcome) => matches!(outcome, Ok(true)),
            None if look.is_ours() => {
                self.look = Some(look);
                false
            }
            None => {
                forget_foreign(Some(look));
                false
            }
        }
    }
}

/// Leaks a look of the parent process: its locks may stay locked for ever.
fn forget_foreign(look: Option<Arc<Look>>) {
    if let Some(look) = look.filter(|look| !look.is_ours()) {
        mem::forget(look);
    }
}
