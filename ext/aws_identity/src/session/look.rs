//! The files that the last fetch read: whether they have changed since, at most once a second.
//!
//! A changed file ends a back-off, and credentials without an expiration are fetched again. A
//! directory may hang (NFS), so a task of its own looks, and no caller waits for it longer than
//! [`LOOK_LIMIT`].

use super::{Session, state::State};
use crate::{
    credentials::Millis,
    failure::Failure,
    providers::FetchNotes,
    task::{deadline::Deadline, fetch_task::FetchTask, fork_gate::SharedGate},
    util::time::Moment,
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

/// How long a reader waits for a look, which takes microseconds unless a file system hangs.
pub const LOOK_LIMIT: Duration = Duration::from_millis(100);

/// The least time between two looks.
const SPACING: Duration = Duration::from_secs(1);
/// The source of the held credentials counts as gone if it was absent twice, this far apart.
const ABSENT_FOR: Millis = 2_000;
/// The source whose credentials no file can change.
const ENVIRONMENT: &str = "environment";

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
    fn is_due(&self) -> bool {
        let due = self.milliseconds.load(Relaxed);
        due != u64::MAX && self.passed() >= due
    }

    /// Due after [`SPACING`] unless it is due at a time already.
    fn allow(&self) {
        if self.milliseconds.load(Relaxed) == u64::MAX {
            self.put_off();
        }
    }

    fn put_off(&self) {
        let due = self.passed().saturating_add(milliseconds(SPACING));
        self.milliseconds.store(due, Relaxed);
    }

    fn stop(&self) {
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
    notes: Arc<FetchNotes>,
    source: Option<&'static str>,
    absent_since: Option<Moment>,
    look: Option<Arc<Look>>,
    changes: u64,
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

    fn has_files(&self) -> bool {
        self.notes.files().is_some_and(|files| !files.is_empty())
    }

    /// True if a look has completed and found a change.
    fn take_change(&mut self) -> bool {
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

impl Session {
    /// Starts a look if one is due. The caller waits for it for at most [`LOOK_LIMIT`], and then
    /// reads; a read applies what the look has found.
    pub fn look(&self) -> Option<Arc<Look>> {
        if !self.next_look.is_due() {
            return None;
        }
        let mut state = self.synced();
        if !state.needs_looks() {
            self.next_look.stop();
            return None;
        }
        self.next_look.put_off();
        if state.watch.look.is_some() || state.task.is_some() {
            return None;
        }
        let look = start(Arc::clone(&state.watch.notes), self.gate).ok()?;
        state.watch.look = Some(Arc::clone(&look));
        Some(look)
    }

    /// How often a look has found a change.
    pub fn file_changes(&self) -> u64 {
        self.synced().watch.changes
    }

    pub(super) fn allow_looks(&self, state: &State) {
        if state.needs_looks() {
            self.next_look.allow();
        }
    }
}

impl State {
    /// True if a changed file would make a difference. Held credentials that expire are fetched
    /// again in time, and those of the environment stay.
    fn needs_looks(&self) -> bool {
        let now = self.now();
        let expires = self.refresh.held(now).map(|held| held.expires_at.is_some());
        let may_differ = match expires {
            None => true,
            Some(true) => self.refresh.is_backing_off(now) || self.refresh.rejected_key().is_some(),
            Some(false) => {
                self.watch.source != Some(ENVIRONMENT) || self.refresh.is_backing_off(now)
            }
        };
        may_differ && self.watch.has_files()
    }

    /// Applies a completed look.
    pub(super) fn apply_look(&mut self) {
        if self.watch.take_change() {
            self.files_changed();
        }
    }

    fn files_changed(&mut self) {
        self.watch.changes += 1;
        self.watch.notes = Arc::default(); // the next fetch notes them anew
        self.end_back_off();
        let held = self.refresh.held(self.now());
        if held.is_some_and(|held| held.expires_at.is_none())
            && self.watch.source != Some(ENVIRONMENT)
        {
            self.refresh.mark_stale();
        }
    }
}

fn start(notes: Arc<FetchNotes>, gate: SharedGate) -> Result<Arc<Look>, Failure> {
    FetchTask::spawn(gate, Deadline::new(LOOK_LIMIT, None), move |_| async move {
        // A fork need not wait for it: it holds no lock, and a child gets no copy of this thread.
        gate.pause();
        let have_changed = notes
            .files()
            .is_some_and(crate::util::watched_files::WatchedFiles::have_changed);
        gate.resume();
        Ok(have_changed)
    })
}

/// Leaks a look of the parent process: its locks may stay locked for ever.
fn forget_foreign(look: Option<Arc<Look>>) {
    if let Some(look) = look.filter(|look| !look.is_ours()) {
        mem::forget(look);
    }
}
