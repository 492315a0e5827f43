//! The files that the last fetch read: whether they have changed since, at most once a second.
//!
//! A changed file ends a back-off, and credentials without an expiration are fetched again. A
//! directory may hang (NFS), so a task of its own looks, and no caller waits for it longer than
//! [`LOOK_LIMIT`].

use super::{Session, state::State, watch::Look};
use crate::{
    failure::Failure,
    providers::{self, FetchNotes},
    task::{file_task, fork_gate::SharedGate},
    util::watched_files::WatchedFiles,
};
use std::{sync::Arc, time::Duration};

/// How long a reader waits for a look, which takes microseconds unless a file system hangs.
pub const LOOK_LIMIT: Duration = Duration::from_millis(100);

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
            Some(false) => !self.is_from_environment() || self.refresh.is_backing_off(now),
        };
        may_differ && self.watch.has_files()
    }

    /// True where no file can change the held credentials.
    fn is_from_environment(&self) -> bool {
        self.watch.source == Some(providers::ENVIRONMENT)
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
        if held.is_some_and(|held| held.expires_at.is_none()) && !self.is_from_environment() {
            self.refresh.mark_stale();
        }
    }
}

fn start(notes: Arc<FetchNotes>, gate: SharedGate) -> Result<Arc<Look>, Failure> {
    file_task::spawn(gate, LOOK_LIMIT, move || {
        Ok(notes.files().is_some_and(WatchedFiles::have_changed))
    })
}
